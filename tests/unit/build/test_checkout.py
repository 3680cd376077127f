"""What is said of an image is said of the files that this run rendered, and of the lock that they come from."""

import shutil
from pathlib import Path

import pytest

from builder.build import render
from builder.build.checkout import Checkout
from builder.commands import validate
from builder.commands.flags.validate import ValidateOptions
from builder.dependencies import lockfile
from builder.matrix.load import load
from builder.matrix.names import cell
from tests.support.command_line import ROOT

CELLS = load(ROOT / "matrix.yaml").cells


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A copy of the repository whose lock may be changed."""
    for name in ("templates", "images"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("matrix.yaml", "builder.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each reading of a lock."""
    found: list[Path] = []
    load_lock = lockfile.load

    def counted(file: Path) -> lockfile.Lock:
        found.append(file)
        return load_lock(file)

    monkeypatch.setattr(lockfile, "load", counted)
    return found


def test_several_images_are_attested_with_one_reading_of_the_lock(here: Path, reads: list[Path]) -> None:
    checkout = Checkout(root=here, cells=CELLS)
    found = [checkout.rendered(spec) for spec in CELLS[:3]]
    assert len(reads) == 1
    assert len({one.pinned.lock_sha256 for one in found}) == 1


def test_what_a_run_rendered_is_not_read_again(here: Path, reads: list[Path]) -> None:
    lock = lockfile.load(here / "builder.lock")
    (rendered,) = render.current(here, lockfile.pin_all(CELLS[:1], lock))
    checkout = Checkout(root=here, cells=CELLS, known={cell(CELLS[0]): rendered})
    (here / "builder.lock").write_text("another run is writing it")
    assert checkout.rendered(CELLS[0]) is rendered
    assert rendered.pinned.lock_sha256 == lock.sha256 != ""
    assert len(reads) == 1


def test_validate_reads_the_lock_once(here: Path, reads: list[Path]) -> None:
    assert validate.run(ValidateOptions(matrix=here / "matrix.yaml", every_platform=True)) == 0
    assert len(reads) == 1
