"""Command lines that ended with a traceback, or never, end at once with one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import NOWHERE, ROOT
from tests.support.corpus import cases


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command lines name: see the corpus."""
    directory = tmp_path_factory.mktemp("attacks")
    (directory / "file").touch()
    (directory / "train.py").touch()
    (directory / "large").write_bytes(b"x" * 2_000_000)
    (directory / "deep.json").write_text("[" * 100_000)
    (directory / "slow").mkdir()
    (directory / "slow/train.py").touch()
    (directory / "slow/.amlignore").write_text("*.pyc\n*a*a*a*a*a*a*a*b\n")
    os.mkfifo(directory / "pipe")
    for name in ("matrix.yaml", "builder.lock"):
        (directory / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "templates", directory / "templates")
    (directory / "images").symlink_to(ROOT / "images")
    return directory


@pytest.mark.parametrize("case", cases("command_lines"))
def test_it_ends_with_one_line(case: Any, surroundings: Path, tmp_path: Path) -> None:
    directory = surroundings
    argv = [word.replace("DIR", str(surroundings)) for word in case["argv"]]
    if "template" in case:
        directory = tmp_path
        shutil.copytree(
            surroundings, tmp_path, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pipe")
        )
        (tmp_path / "templates/pytorch.j2").write_text(case["template"])
    if "site" in case:
        (tmp_path / "site.yaml").write_text(case["site"])
        argv.append(f"--site={tmp_path / 'site.yaml'}")
    given = {**os.environ, **NOWHERE, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), **case.get("environment", {})}
    with Path(case.get("output", tmp_path / "output")).open("w") as output:
        done = subprocess.run(
            [sys.executable, "-m", "builder", *argv],
            cwd=directory,
            env=given,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    assert (done.returncode, case["says"].replace("DIR", str(surroundings)) in done.stderr) == (case["code"], True), (
        done.stderr
    )
