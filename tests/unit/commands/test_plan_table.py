"""`plan` and `build --dry-run` are one verb; what is stale is said before an engine is asked."""

import select
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.__main__ import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What listens in place of an engine, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        yield server


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the repository that may be changed, on a site that pulls its bases."""
    for name in ("templates", "images"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("matrix.yaml", "builder.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "site.yaml").write_text("base: pull\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", [["plan"], ["build", "-n"]])
@pytest.mark.parametrize("stale", ["images/", "builder.lock"])
def test_what_is_stale_is_said_before_the_engine_is_asked(
    verb: list[str], stale: str, here: Path, engine: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    if stale == "images/":
        (here / "images/pytorch/1.4.0-cpu-ubuntu16.04/Dockerfile").write_text("another")
    else:
        matrix = (here / "matrix.yaml").read_text("utf-8")
        (here / "matrix.yaml").write_text(matrix.replace('torchvision: "0.5.0"', 'torchvision: "0.4.9"'), "utf-8")
    assert main([*verb, "--version=1.4"]) == 3
    assert stale in capsys.readouterr().err
    assert select.select([engine], [], [], 0) == ([], [], []), "nobody connected"


@pytest.mark.parametrize(
    "flags", [[], ["--version=1.4", "--gpu", "--print"], ["--gpu", "--format=json"], ["--all", "--format=github"]]
)
def test_a_dry_run_is_the_plan(
    flags: list[str], here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    wheels = here / "wheels"
    wheels.mkdir()
    more = [
        *("-j=2", "--keep-going", "--no-cache", "--builder=b", "--cache-to=./c", "--cache-from=./c"),
        f"--log-dir={here}",
    ]
    more += [f"--wheelhouse={wheels}", "--repository=mine-{framework}"]
    assert main(["plan", *flags, *more]) == 0
    planned = capsys.readouterr()
    assert main(["build", "--dry-run", *flags, *more]) == 0
    assert capsys.readouterr() == planned
    assert ("FROM " in planned.out) == ("--print" in flags)


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (["--push"], "--push: where to?"),
        (["--wheelhouse=nowhere"], "--wheelhouse nowhere"),
        (
            ["--refresh-toolchain", "--platform=ubuntu16.04"],
            "the toolchain base of ubuntu16.04 is pinned in the matrix",
        ),
    ],
)
def test_a_plan_refuses_what_a_build_refuses(
    flags: list[str], what: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert here.is_dir()
    for verb in (["plan"], ["build", "-n"]):
        assert main([*verb, "--version=1.4", *flags]) == 2
        assert what in capsys.readouterr().err
