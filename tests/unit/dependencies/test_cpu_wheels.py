"""A site that names an index of CPU wheels: its cells for CPU are locked and rendered apart from what is committed."""

import json
import shutil
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.dependencies.lockfile import load, load_from, parted
from builder.matrix.load import Preferred
from builder.matrix.load import load as load_matrix
from builder.matrix.spec import ImageSpec
from tests.support.package_index import Index, serving
from tests.support.project import TEMPLATE, small_matrix
from tests.support.wheels import write_wheel

ROOT = Path(__file__).parents[3]
CELL = "toy/1.0.0-cpu-debian12"
CPU = Preferred(cpu_wheels=True)


def wheels(directory: Path, **versions: str) -> dict[str, bytes]:
    found = [write_wheel(directory, name, version) for name, version in versions.items()]
    return {path.name: path.read_bytes() for path in found}


def run(root: Path, verb: str, *more: str, cpu: str = "", index: str = "") -> int:
    site = {"pip": {"index-url": index, **({"cpu-index-url": cpu} if cpu else {})}} if index else {}
    file = root / "site.json"
    file.write_text(json.dumps({**site, "apt-sources": "deb http://127.0.0.1:9/ bookworm main"}))
    return main([verb, *more, f"--matrix={root}/matrix.yaml", f"--site={file}"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "matrix.yaml").write_text(small_matrix("toy", pins={"torch": "1.4"}))
    shutil.copytree(ROOT / "templates", root / "templates")
    (root / "templates" / "toy.j2").write_text(TEMPLATE % "")
    return root


def test_they_are_locked_and_rendered_apart(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = Index(heads=True, files=wheels(tmp_path / "a", pip="26.3", torch="1.4"))
    # The other index has a release of pip, too, and not the pinned one.
    theirs = Index(heads=True, files=wheels(tmp_path / "b", pip="9.0", torch="1.4+cpu"))
    with serving(ours), serving(theirs):
        url, cpu = f"{ours.url}/simple", f"{theirs.url}/simple"
        assert run(project, "lock", index=url) == 0
        committed = (project / "builder.lock").read_text()
        assert run(project, "render") == 0
        assert run(project, "lock", index=url, cpu=cpu) == 0
        assert run(project, "lock", "--check", index=url, cpu=cpu) == 0
        assert run(project, "render", index=url, cpu=cpu) == 0
        assert run(project, "record", "--all", index=url, cpu=cpu) == 2
    assert "records are of what is committed, not of CPU wheels" in capsys.readouterr().err
    assert (project / "builder.lock").read_text() == committed
    (name, found), *others = load(project / "builder.cpu.lock").closures.items()
    assert not others
    assert name == f"{CELL}+cpu"
    assert [(one.name, one.version) for one in found.distributions] == [("pip", "26.3"), ("torch", "1.4+cpu")]
    assert "torch==1.4+cpu " in (project / f"images/{CELL}+cpu/requirements/rest.txt").read_text()
    assert "torch==1.4 " in (project / f"images/{CELL}/requirements/rest.txt").read_text()
    assert parted(load_from(project))[0] == load(project / "builder.lock")
    # Elsewhere they are not there, and no leftover either.
    assert run(project, "render", "--check") == 0


def of(cells: tuple[ImageSpec, ...], version: str, device: str) -> ImageSpec:
    return next(spec for spec in cells if spec.version == version and spec.device == device)


def test_only_cells_for_cpu_without_such_pins_change() -> None:
    before, after = load_matrix(ROOT / "matrix.yaml").cells, load_matrix(ROOT / "matrix.yaml", CPU).cells
    assert of(after, "1.6.0", "gpu") == of(before, "1.6.0", "gpu")
    assert of(after, "2.13.0", "cpu") == of(before, "2.13.0", "cpu")
    changed = of(after, "1.6.0", "cpu")
    assert (changed.value("torch"), changed.value("torchvision")) == ("1.6.0+cpu", "0.7.0+cpu")
    early = of(after, "1.1.0", "cpu")
    assert (early.value("torch"), early.cpu_wheels) == ("1.1.0", True)
    assert changed.value("tensorboard") == of(before, "1.6.0", "cpu").value("tensorboard")
