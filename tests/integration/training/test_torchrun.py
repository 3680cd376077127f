"""A distributed run and the real torchrun of the same image: a script finds the same variables under both."""

import ast
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.support.command_line import ROOT, CommandResult, builder
from tests.support.project import REPOSITORY

SCRIPT = """
import os
if os.environ["RANK"] == "1":
    print(dict(os.environ))
"""
OWN = {"HOME", "HOSTNAME", "LOGNAME", "PWD", "USER"}
"""These differ from container to container."""
OURS = {"NODE_RANK", "PYTHONUNBUFFERED"}
"""What torchrun does not set, besides the old names."""
OTHER = {
    *("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_ERROR_FILE"),
    *("TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_SIGNALS_TO_HANDLE"),
}
"""What has another value: names and places of this run, and what the agent does that a launcher does not."""


@pytest.fixture(scope="module")
def image(built: Callable[..., CommandResult]) -> str:
    return str(built("--version=2.13", "--cpu", "--platform=debian12").images[0]["digest"])


def said(output: str) -> dict[str, str]:
    """The variables that rank 1 printed."""
    lines = [line.partition("] ")[2] or line for line in output.splitlines()]
    return dict(ast.literal_eval(next(line for line in lines if line.startswith("{'"))))


def under_torchrun(engine: docker.DockerClient, image: str, source: Path) -> dict[str, str]:
    """What rank 1 finds. No line is marked, and the other rank prints nothing."""
    command = ["torchrun", "--nproc-per-node=2", "/source/s.py"]
    mounts = {str(source): {"bind": "/source", "mode": "ro"}}
    return said(engine.containers.run(image, command, volumes=mounts, working_dir="/source", remove=True).decode())


def test_a_script_finds_under_run_what_it_finds_under_torchrun(
    image: str, tmp_path: Path, engine: docker.DockerClient
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "s.py").write_text(SCRIPT)
    where = (f"--source={source}", f"--runs={tmp_path}/runs", f"--repository={REPOSITORY}-{{framework}}")
    words = ("run", "--version=2.13", "--platform=debian12", "--entry=s.py", "--gloo", "--processes-per-node=2", *where)
    done = builder(*words, cwd=ROOT, scratch=tmp_path / "tmp")
    assert done.code == 0, done.err
    ours, theirs = said(done.out), under_torchrun(engine, image, source)
    assert set(theirs) - set(ours) - OWN == set()
    assert {name for name in set(ours) - set(theirs) - OWN - OURS if not name.startswith("AZ_")} == set()
    assert {name for name in set(theirs) - OWN if ours[name] != theirs[name]} == OTHER
