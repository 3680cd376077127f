"""What a run begins with: scripts by their first line, modules, and what is refused with the command that mends it."""

from pathlib import Path

import pytest

from builder.training import Module
from builder.training.records.record import new_id, plan_of
from builder.training.request.argument_types import Problems, Prompt
from builder.training.request.entry import MODULE, PYTHON, Entry, entry_of, interpreter
from tests.support.estimators import mistakes, planned


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("#!/bin/bash\n", ("/bin/bash",)),
        ("#! /bin/sh -e\n", ("/bin/sh", "-e")),
        ("#!/bin/bash -e -u\n", ("/bin/bash", "-e -u")),
        ("#!/usr/bin/env bash\n", ("/usr/bin/env", "bash")),
        ("#!/usr/bin/env -S bash -e -u\n", ("/usr/bin/env", "-S bash -e -u")),
        ("#!/usr/bin/env -S A=1 bash\n", ("/usr/bin/env", "-S A=1 bash")),
        ("#!/usr/bin/python3\n", PYTHON),
        ("#!/usr/bin/python3.11 -u\n", ("python", "-u")),
        ("#!/usr/bin/env python3\n", PYTHON),
        ("#!/usr/bin/env python\r\n", PYTHON),
        ("#!/usr/bin/env -S python3 -u -X dev\n", ("python", "-u", "-X", "dev")),
        ("#!/usr/bin/env --split-string=python3 -u\n", ("python", "-u")),
        ("#!/usr/bin/env\n", ("/usr/bin/env",)),
        ("#!/opt/pythonic/bin/perl\n", ("/opt/pythonic/bin/perl",)),
        ("#!/bin/bash", ("/bin/bash",)),
        ("#!\n", None),
        ("", None),
        ("import torch\n", None),
        ("# !/bin/bash\n", None),
    ],
)
def test_a_first_line_as_linux_reads_it(line: str, words: tuple[str, ...] | None) -> None:
    assert interpreter(line) == words


def entry(wanted: object, source: Path) -> tuple[Entry, Problems]:
    problems = Problems()
    return entry_of(wanted, source, problems), problems


@pytest.mark.parametrize(
    ("name", "text", "runner"),
    [
        ("train.sh", "#!/bin/bash\n", ("/bin/bash",)),
        ("train.R", "#!/usr/bin/env Rscript\n", ("/usr/bin/env", "Rscript")),
        ("train.py", "#!/bin/bash\n", PYTHON),
        ("TRAIN.PY", "", PYTHON),
        ("train", "#!/bin/sh\n", ("/bin/sh",)),
        ("train", "import torch\n", PYTHON),
        ("train", "", PYTHON),
        ("-c", "#!/bin/sh\n", ("/bin/sh",)),
    ],
)
def test_a_script_is_executed_by_what_it_names(name: str, text: str, runner: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    shown = "./-c" if name == "-c" else name
    assert entry(name, tmp_path) == (Entry(name=shown, runner=runner), [])


def test_a_script_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.sh").write_text("python train.py\n")
    assert "no first line says what executes it, like #!/bin/bash" in entry("train.sh", tmp_path)[1][0]
    (tmp_path / "train.sh").write_bytes(b"#!/bin/bash\r\npython train.py\r\n")
    assert f"try: sed -i 's/\\r$//' {tmp_path}/train.sh" in entry("train.sh", tmp_path)[1][0]
    (tmp_path / "train.sh").write_bytes(bytes(range(128, 256)) * 9)
    assert len(entry("train.sh", tmp_path)[1]) == 1


def test_a_notebook_is_refused_with_what_converts_it(tmp_path: Path) -> None:
    (tmp_path / "my notes.ipynb").touch()
    said = entry("my notes.ipynb", tmp_path)[1][0]
    assert f"try: jupyter nbconvert --to script '{tmp_path}/my notes.ipynb', then run my notes.py" in said


@pytest.mark.parametrize("name", ["package.train", "package", "single", "torch.distributed.run"])
def test_a_module_is_the_sources_or_the_images(name: str, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    for file in ("package/train.py", "package/__main__.py", "single.py"):
        (tmp_path / file).touch()
    assert entry(Module(name), tmp_path) == (Entry(name=name, runner=MODULE), [])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("package.trian", "package/trian/__main__.py"),
        ("package", "package/__main__.py"),
        ("package/train.py", "is not the name of a module"),
        ("-c", "is not the name of a module"),
        ("", "is not the name of a module"),
        ("a..b", "is not the name of a module"),
    ],
)
def test_a_module_that_cannot_be_is_refused(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "train.py").touch()
    assert says in entry(Module(name), tmp_path)[1][0]


def test_the_plan_knows_script_and_arguments(source: Path) -> None:
    (source / "train.sh").write_text("#!/bin/bash -e\n")
    plan = planned(source, entry_script="train.sh", script_params=["--lr", "1"])
    assert plan.command == ("/bin/bash", "-e", "train.sh", "--lr", "1")
    assert (plan.entry, plan.arguments) == ("train.sh", ("--lr", "1"))
    plan = planned(source, entry_script=Module("torch.utils.collect_env"))
    assert plan.command == ("python", "-m", "torch.utils.collect_env")
    assert (plan.entry, plan.arguments) == ("torch.utils.collect_env", ())
    assert "is not a file" in mistakes(source, entry_script="none.sh")[0]


def test_a_prompt_is_a_program_of_the_image(source: Path) -> None:
    plan = planned(source, entry_script=Prompt("bash"))
    assert (plan.command, plan.entry, plan.arguments, plan.is_prompt) == (("bash",), "bash", (), True)
    assert not planned(source).is_prompt


def test_a_record_from_before_modules_is_read() -> None:
    found = {
        "image": {"reference": "i", "digest": "d"},
        "snapshot": {"sha256": "", "files": 0, "size": 0, "path": ""},
        "command": ["python", "train.py", "-x"],
        "topology": {},
        "environment": [],
        "inputs": [],
        "secrets": [],
        "limits": {},
    }
    assert (plan_of(found).entry, plan_of(found).arguments) == ("train.py", ("-x",))


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("scripts/Train.sh", "train-"),
        ("package.train", "package-train-"),
        ("train.v2.py", "train-v2-"),
        ("x.R", "x-r-"),
    ],
)
def test_the_name_of_a_run_begins_with_its_entry(name: str, begins: str) -> None:
    assert new_id(name).startswith(f"{begins}2")
