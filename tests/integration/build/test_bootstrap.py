"""A real bootstrap from the host's mirror, and a real build on it."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from builder.build.bases import Base, ensure_base
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.matrix.load import load
from builder.matrix.spec import Platform

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
DOCKERFILE = """
FROM scratch AS base
FROM base
RUN test ! -e /usr/share/perl && test ! -s /etc/machine-id && test -d /dev && ! ls /usr/share/man/man1 && test -z "$(ls /etc/apt/sources.list.d)" && . /etc/os-release && test "$ID" = debian
"""


@pytest.fixture(scope="module")
def platform() -> Platform:
    return next(cell.platform for cell in load(ROOT / "matrix.yaml").cells if cell.platform.os_id == "debian")


@pytest.fixture(scope="module")
def site() -> Site:
    return replace(load_site(), base="bootstrap")


@pytest.fixture(scope="module")
def bases(platform: Platform, site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Base, Base, Base]:
    """Two builders with one cache, and one with another, at the same time."""
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with ThreadPoolExecutor(3) as pool:
        first, second, third = pool.map(lambda cache: ensure_base(platform, site, cache), (one, one, other))
    return first, second, third


def test_one_state_of_the_mirror_gives_one_digest(bases: tuple[Base, Base, Base]) -> None:
    first, second, third = bases
    assert first == second
    assert first.path != third.path
    assert first.digest == third.digest


def test_a_build_stands_on_it(bases: tuple[Base, Base, Base], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    context = f"--build-context=base=oci-layout://{bases[0].path}@{bases[0].digest}"
    command = ["docker", "buildx", "build", "--no-cache", "--output=type=cacheonly", context, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_damaged_base_is_made_anew(bases: tuple[Base, Base, Base], platform: Platform, site: Site) -> None:
    base = bases[2]
    assert base.path
    blob = base.path / "blobs/sha256" / base.digest.removeprefix("sha256:")
    blob.write_bytes(b"{}")
    assert ensure_base(platform, site, base.path.parents[1]) == base


def test_nothing_half_made_is_left(bases: tuple[Base, Base, Base]) -> None:
    for base in bases:
        assert base.path
        assert sorted(path.name for path in base.path.parent.iterdir()) == sorted(["lock", base.path.name])
