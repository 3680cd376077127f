"""What killed processes left is found by name and label together, and removed when a build starts, secrets first."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.host import leftovers
from builder.host.temporary import name_space, scratch
from builder.matrix.names import LABEL_HOST, LABEL_OWNER

LEAVE = "import os, builder.host.temporary as s; c = s.scratch(); print(c.__enter__()); os.kill(os.getpid(), 9)"


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def engine(*found: Any) -> Any:
    """An engine that lists these containers, and has no image."""
    return SimpleNamespace(containers=SimpleNamespace(list=lambda **_: list(found)), api=SimpleNamespace(images=list))


def container(name: str, owner: object, removed: list[str]) -> Any:
    labels = {LABEL_OWNER: str(owner), LABEL_HOST: leftovers.host()}
    return SimpleNamespace(name=name, labels=labels, remove=lambda **_: removed.append(name))


def test_only_containers_that_we_named_are_removed(gone: int) -> None:
    """A container inherits the labels of its image, and anybody writes those."""
    removed, said = list[str](), list[str]()
    ours, lives = f"framework-images-{gone}-0123abcd", f"framework-images-{os.getpid()}-0123abcd"
    found = [
        container(ours, gone, removed),
        container(lives, os.getpid(), removed),
        container("somebodys-training", gone, removed),
        container(f"framework-images-{gone}-0123abcd-mine", gone, removed),
        container(f"framework-images-{os.getpid()}-89abcdef", gone, removed),
        container("framework-images-run-train-1", gone, removed),
    ]
    leftovers.sweep(engine(*found), said.append)
    assert removed == [ours]
    assert any(ours in line for line in said)


def test_directories_with_secrets_go_first_and_those_of_the_living_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = subprocess.run(
        [sys.executable, "-u", "-c", LEAVE], env=environment, capture_output=True, text=True, check=False
    )
    left = Path(killed.stdout.strip())
    (left / "pip_conf").write_text("password")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    of_another_name_space = tmp_path / f"framework-images-999999999-{int(name_space()) + 1}-x"
    of_another_name_space.mkdir()
    with scratch() as mine:
        said = list[str]()
        broken: Any = SimpleNamespace(containers=None, api=None)
        with pytest.raises(AttributeError):
            leftovers.sweep(broken, said.append)
        assert not left.exists()
        assert mine.exists()
        assert of_another_name_space.exists()
    assert said == [f"directory {left}: removed; a killed run had left it"]
