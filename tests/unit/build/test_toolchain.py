"""Which base compiles and installs: kept when the base moves, never across releases of the OS, moved when asked."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.build import site_inputs
from builder.build.bases import Base, fingerprint
from builder.build.toolchain import ensure_toolchain, with_toolchain
from builder.errors import InputError
from builder.host.cache import cache_directory
from builder.host.site import Site
from builder.matrix.load import load
from builder.matrix.spec import Platform
from tests.support.bases import PLATFORM, write_layout

ROOT = Path(__file__).parents[3]


def base_of(cache: Path, name: str) -> Base:
    path = cache / "bases" / name
    return Base(kind="bootstrapped", digest=write_layout(path, name.encode()), path=path)


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_first_base_is_both_and_a_moved_one_keeps_it(tmp_path: Path, said: list[str]) -> None:
    old, new = base_of(tmp_path, "old"), base_of(tmp_path, "new")
    assert with_toolchain(PLATFORM, old, tmp_path) == old
    assert ensure_toolchain(PLATFORM, old, tmp_path, said.append) == old
    assert "there is no earlier one" in said.pop()
    moved = ensure_toolchain(PLATFORM, new, tmp_path, said.append)
    assert moved == replace(new, toolchain=old) == with_toolchain(PLATFORM, new, tmp_path)
    contexts = site_inputs.bases(PLATFORM, moved, Site())
    assert contexts["base"] == f"oci-layout://{new.path}@{new.digest}"
    assert contexts["toolchain-base"] == f"oci-layout://{old.path}@{old.digest}"
    assert not said


def test_it_moves_when_asked_and_stays_moved(tmp_path: Path, said: list[str]) -> None:
    old, new = base_of(tmp_path, "old"), base_of(tmp_path, "new")
    ensure_toolchain(PLATFORM, old, tmp_path, said.append)
    assert ensure_toolchain(PLATFORM, new, tmp_path, said.append, refresh=True) == new
    assert "as asked" in said[-1]
    assert ensure_toolchain(PLATFORM, new, tmp_path, said.append) == new
    assert ensure_toolchain(PLATFORM, new, tmp_path, said.append, refresh=True) == new
    assert with_toolchain(PLATFORM, old, tmp_path).toolchain == new


@pytest.mark.parametrize("damage", ["layout", "record"])
def test_a_damaged_one_is_replaced_by_the_base_and_that_is_said(tmp_path: Path, said: list[str], damage: str) -> None:
    old, new = base_of(tmp_path, "old"), base_of(tmp_path, "new")
    ensure_toolchain(PLATFORM, old, tmp_path, said.append)
    file = tmp_path / "bases/old/index.json" if damage == "layout" else next((tmp_path / "toolchains").iterdir())
    file.write_text("{")
    assert with_toolchain(PLATFORM, new, tmp_path) == new
    assert ensure_toolchain(PLATFORM, new, tmp_path, said.append) == new
    assert "no earlier one is whole" in said[-1]


def test_another_release_of_the_os_has_its_own(tmp_path: Path, said: list[str]) -> None:
    assert PLATFORM.bootstrap
    ensure_toolchain(PLATFORM, base_of(tmp_path, "old"), tmp_path, said.append)
    other = replace(PLATFORM, name="debian13", bootstrap=replace(PLATFORM.bootstrap, suite="trixie"))
    new = base_of(tmp_path, "new")
    assert ensure_toolchain(other, new, tmp_path, said.append) == new


def test_a_pulled_one_is_the_matrix_s(tmp_path: Path, said: list[str]) -> None:
    older = f"sha256:{'1' * 64}"
    platform: Platform = replace(PLATFORM, toolchain_digest=older)
    base = Base(kind="pulled", digest=platform.base_digest)
    assert ensure_toolchain(PLATFORM, base, tmp_path, said.append) == base
    found = ensure_toolchain(platform, base, tmp_path, said.append)
    assert found.toolchain == Base(kind="pulled", digest=older)
    mirror = Site(registry_mirrors=("https://mirror.example",))
    assert site_inputs.bases(platform, found, mirror)["toolchain-base"].endswith(older)
    with pytest.raises(InputError, match="pinned in the matrix"):
        ensure_toolchain(platform, base, tmp_path, said.append, refresh=True)


def test_clean_removes_the_bases_that_nothing_stands_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The newest whole one stays, and the one that compiles; an engine is asked last."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache, matrix = cache_directory(), ROOT / "matrix.yaml"
    platform = next(spec.platform for spec in load(matrix).cells if spec.platform.bootstrap)
    assert platform.bootstrap
    settings = fingerprint(platform.bootstrap)
    toolchain, older, newest, damaged = (base_of(cache, f"{settings}-{number}") for number in range(4))
    other = base_of(cache, f"{'0' * 16}-0")
    ensure_toolchain(platform, toolchain, cache, print)
    for day, one in enumerate((toolchain, older, newest, damaged, other)):
        assert one.path
        os.utime(one.path, (day, day))
    assert damaged.path
    (damaged.path / "index.json").write_text("{")
    left = cache / "bases/.new-killed"
    left.mkdir()
    before = {path.name for path in (cache / "bases").iterdir()}
    argv = ["clean", "--bases", f"--matrix={matrix}"]
    gone = {str(one.path) for one in (older, damaged, other)}
    for flags in (["--dry-run"], []):
        assert main([*argv, *flags]) == 1, "no engine"
        said = capsys.readouterr()
        lines = said.out.splitlines()
        assert {line.split()[1] for line in lines if line.startswith("base /")} == gone
        assert all(line.endswith(" MB)") for line in lines if line.startswith("base /"))
        assert f"directory {left}" in lines
        assert "the engine does not answer" in said.err
        if flags:
            assert {path.name for path in (cache / "bases").iterdir()} == before
    assert {str(path) for path in (cache / "bases").glob("*-*")} == {str(toolchain.path), str(newest.path)}
    assert not left.exists()
