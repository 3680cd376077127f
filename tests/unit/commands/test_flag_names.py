"""Errors of the command line speak of flags, and those of Python of arguments."""

import re
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.commands.flags.train import ARGUMENTS
from builder.commands.parser import known_flags
from builder.training import Module
from builder.training.request.arguments import NAMES
from tests.support.estimators import mistakes

PYTHON = [name for name in NAMES if "_" in name.strip("_")]


@pytest.fixture
def here(source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a script, and no engine."""
    (source / "notes.ipynb").touch()
    (source / "go.sh").write_text("true\n")
    (source / "package").mkdir()
    monkeypatch.chdir(source)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    return source


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "train.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--entry=none.py"], "error: --entry: HERE/none.py is not a file"),
        (["--entry=../train.py"], "error: --entry: ../train.py is not inside HERE"),
        (["--entry="], "error: --entry is missing: name the script in --source to run"),
        (["--entry=notes.ipynb"], "error: --entry: notes.ipynb is a notebook; try: jupyter nbconvert"),
        (["--entry=go.sh"], "error: --entry: go.sh is not Python's"),
        (["-m", "package.train"], "error: --module: the module package.train is neither"),
        (["-m", "a/b"], "error: --module: 'a/b' is not the name of a module"),
        (["--entry=train.py", "--source=none"], "error: --source: HERE/none is not a directory"),
        (["--entry=train.py", "--nodes=2"], "error: --nodes 2 needs --mpi, --gloo or --nccl"),
        (["--entry=train.py", "--processes-per-node=3"], "error: --processes-per-node 3 needs --mpi, --gloo or --nccl"),
        (["--entry=train.py", "--nodes=0"], "argument --nodes: '0' is not a whole number from 1"),
        (["--entry=train.py", "--cpus=0"], "argument --cpus: '0' is not a number above 0"),
        (["--entry=train.py", "--cpus=nan"], "argument --cpus: 'nan' is not a number above 0"),
        (["--entry=train.py", "--cpus=inf"], "argument --cpus: 'inf' is not a number above 0"),
        (["--entry=train.py", "--pids-limit=-1"], "argument --pids-limit: '-1' is not a whole number"),
        (["--entry=train.py", "--version=1.7"], "error: --version: no row for '1.7'"),
        (["--entry=train.py", "--version=2.12"], "error: --cpu: 2.12 has a row for gpu only"),
        (["--entry=train.py", "--framework=scikit-learn", "--gpu"], "has a row for cpu only"),
        (["--entry=train.py", "--framework=scikit-learn", "--gloo"], "error: --gloo: scikit-learn"),
        (["--entry=train.py", "--version=2.13", "--nccl"], "nccl needs a GPU row: --gpu"),
        (["--entry=train.py", "--image=NOT an image"], "error: --image: 'NOT an image' is not the name of an image"),
        (["--entry=train.py", "--gloo", "-e", "RANK=1"], "error: --env: RANK is set for each rank"),
        (["--entry=train.py", "--input", "x=/nowhere"], "error: --input: x: /nowhere does not exist"),
        (["--entry=train.py", "--input", "a b=/"], "error: --input: 'a b' is not a name"),
        (["--entry=train.py", "--resume-from=/nowhere"], "error: --resume-from: /nowhere does not exist"),
        (
            ["--entry=train.py", "--resume-from=/etc", "--", "--resume-from"],
            "error: --resume-from: --resume-from is in the script's arguments too",
        ),
        (["--entry=train.py", "--pip-requirements-file=none"], "error: --pip-requirements-file: none is not a file"),
        (
            ["--entry=train.py", "--conda-dependencies-file=train.py", "--pip-package=six"],
            "error: --pip-package cannot be given beside --conda-dependencies-file, which lists all packages",
        ),
        (["--entry=train.py", "--secret=a b=x"], "argument --secret: 'a b' is not a name"),
        (["--entry=train.py", "--secret=K=none"], "argument --secret: K: none: No such file"),
        (["--entry=train.py"], "note: --version is not given: PyTorch 1.4 is used"),
        (["--entry=train.py", "--image=a:1", "--version=1.4"], "note: --version 1.4 has no effect: the image is a:1"),
    ],
)
def test_the_command_line_speaks_of_flags(
    words: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["run", f"--runs={here}/runs", *words])
    except SystemExit as ended:
        code = ended.code
    assert code == 125
    said = capsys.readouterr().err
    assert says.replace("HERE", str(here)) in said
    assert [name for name in (*PYTHON, "use_gpu=", "Mpi(", "Gloo(") if name in said] == []


def test_python_speaks_of_arguments(source: Path) -> None:
    assert mistakes(source, entry_script="none.py")[0].startswith("entry_script: ")
    assert mistakes(source, entry_script=Module("a/b"))[0].startswith("entry_script: ")
    assert mistakes(source, node_count=2)[0] == "node_count 2 needs distributed_training: Mpi(), Gloo() or Nccl()"
    assert mistakes(source, framework_version="2.12")[0].startswith("use_gpu=False: ")


def test_every_name_is_one_of_ours() -> None:
    flags = known_flags("run")
    for argument, flag in ARGUMENTS.items():
        assert re.match(r"\w+", argument)[0] in NAMES  # type: ignore[index]
        assert all(one in flags for one in re.findall(r"--[a-z-]+", flag))
