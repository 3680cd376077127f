"""Which base compiles and installs: kept when the base moves, never across releases of the OS, moved when asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder import supply
from builder.bootstrap import Base
from builder.errors import InputError
from builder.site import Site
from builder.spec import Platform
from builder.toolchain import ensure_toolchain, with_toolchain
from tests.unit.test_bootstrap_command import PLATFORM, layout


def base_of(cache: Path, name: str) -> Base:
    path = cache / "bases" / name
    return Base(kind="bootstrapped", digest=layout(path, name.encode()), path=path)


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
    contexts = supply.bases(PLATFORM, moved, Site())
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
    assert supply.bases(platform, found, mirror)["toolchain-base"].endswith(older)
    with pytest.raises(InputError, match="pinned in the matrix"):
        ensure_toolchain(platform, base, tmp_path, said.append, refresh=True)
