"""What a site names and this user cannot read: a mistake with its place, and no traceback."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from builder.build import site_inputs
from builder.dependencies import wheelhouse
from builder.dependencies.wheelhouse import Item
from builder.errors import BuilderError, InputError
from builder.host import tree_hash
from builder.host.pip_config import settings
from builder.host.site import Site, components, load
from builder.matrix import yaml_positions
from builder.matrix.load import load as load_matrix
from builder.wheels import downloads

ROOT = Path(__file__).parents[3]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root reads everything, so another user asks."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("file", "Not a directory"),
        ("file/below", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("nowhere", "No such file or directory"),
        ("closed", "Permission denied"),
        ("closed/below", "Permission denied"),
        ("x" * 300, "File name too long"),
        ("~nobody-of-that-name/x", "No such file or directory"),
    ],
)
def test_a_component_that_cannot_be_read_is_a_mistake_with_its_place(name: str, why: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        directory.chmod(0o755)
        (directory / "file").touch()
        (directory / "loop").symlink_to("loop")
        (directory / "closed").mkdir(mode=0o000)
        problems: list[str] = []
        node = yaml_positions.parse(f"components:\n  python-3.6.15: {name}\n", "site.yaml", problems)
        with as_nobody():
            components(node.entries["components"], directory / "site.yaml", problems)
    (problem,) = problems
    assert problem.startswith("site.yaml:2:18: components.python-3.6.15: no directory that can be read: ")
    assert why in problem


@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_component_with_a_part_that_cannot_be_read_is_a_mistake(what: str) -> None:
    spec = next(spec for spec in load_matrix(ROOT / "matrix.yaml").cells if spec.value("python") == "3.6.15")
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        directory.chmod(0o755)
        if what == "file":
            (directory / "closed").touch(mode=0o000)
        else:
            (directory / "closed").mkdir(mode=0o000)
        site = Site(file=Path("site.yaml"), components=(("python-3.6.15", directory),))
        with (
            as_nobody(),
            pytest.raises(InputError, match=r"the component python: .*/closed: Permission denied") as found,
        ):
            site_inputs.replaced_stages(spec, site, tree_hash.contents if what == "file" else tree_hash.states)
    assert found.value.hint


def test_a_pipe_in_a_component_is_not_read(tmp_path: Path) -> None:
    before = tree_hash.contents(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert tree_hash.contents(tmp_path) != before


def test_what_pip_names_and_nobody_can_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    text = f"[global]\nfind-links={tmp_path}/loop ~nobody-of-that-name/x\ncert={tmp_path}/{'x' * 300}\n"
    assert len(load(None, settings({"pip.conf": text}, {})).skipped) == 3


def test_a_wheel_that_cannot_be_read_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        directory.chmod(0o755)
        (directory / "a.whl").touch(mode=0o000)
        item = Item(file="a.whl", checksum="0" * 64, name="a", version="1")
        with as_nobody():
            with pytest.raises(BuilderError, match=r"a\.whl: Permission denied"):
                wheelhouse.have(item, directory / "elsewhere", (), Site(find_links=(directory,)), Event())
            assert not downloads.is_whole(directory / "a.whl", "0" * 64)
    assert "a.whl: ignored: Permission denied" in capsys.readouterr().err
