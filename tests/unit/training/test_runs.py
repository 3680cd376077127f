"""`runs`: the list, one run whole, and what was printed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.__main__ import main
from builder.training.records import record
from builder.training.records.run import LOG
from builder.training.records.summary import moment
from tests.support.run_plans import LOCAL_PLAN

LONG = "--" + "x" * 100


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of four ranks that failed, and one of a lone process."""
    monkeypatch.setattr("builder.training.find.with_container", set)
    ended = record.Record(
        run="run",
        plan=LOCAL_PLAN,
        submitted="",
        started="2026-01-01T00:00:01.123456789Z",
        finished="2026-01-01T00:01:31+00:00",
        status="failed",
        exit_code=3,
        reason="node 1 ended first, with exit code 3",
    )
    plan = replace(LOCAL_PLAN, command=("python", "-m", "package.train", "--lr", "0.1", "a b", LONG), leading=2)
    for name, one, day in (("many-1", plan, 1), ("one-1", replace(LOCAL_PLAN, topology=type(plan.topology)()), 2)):
        (tmp_path / name).mkdir()
        submitted = f"2026-01-0{day}T00:00:00.000+00:00"
        record.write(tmp_path / name, replace(ended, run=name, plan=one, submitted=submitted))
        (tmp_path / name / LOG).write_bytes(b"[0] a\n[3] b\xff\n[3] c\nlauncher: the end\n")
    return tmp_path


def said(capfdbinary: pytest.CaptureFixture[bytes], place: Path, *words: str) -> bytes:
    assert main(["runs", *words, f"--runs={place}"]) == 0
    return capfdbinary.readouterr().out


def test_the_list_says_when_and_what(place: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = said(capfdbinary, place).decode().splitlines()
    assert lines[0].split() == [
        *("name", "status", "exit", "started", "seconds", "entry", "arguments", "image", "followed", "by")
    ]
    assert "many-1  failed  3     2026-01-01T00:00:01Z  90       package.train  --lr 0.1 'a b' --xxx" in lines[1]
    assert "x…  pytorch/1.4.0-gpu-x" in lines[1]
    found = json.loads(said(capfdbinary, place, "list", "--format=json"))["runs"]
    assert found[0]["arguments"] == f"--lr 0.1 'a b' {LONG}"
    assert (found[1]["entry"], found[1]["arguments"]) == ("train.py", "--lr 0.1")


def test_a_run_is_shown_whole(place: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shown = dict(line.split(maxsplit=1) for line in said(capfdbinary, place, "show", "many").decode().splitlines())
    wanted = {
        "name": "many-1",
        "status": "failed",
        "reason": "node 1 ended first, with exit code 3",
        "submitted": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:01:31Z",
        "command": f"python -m package.train --lr 0.1 'a b' {LONG}",
        "source": f"{'1' * 12} (2 files) in /store/1",
        "processes": "2 nodes of 2 with gloo",
        "environment": "A=1",
        "inputs": "/training/inputs/data from /data",
        "secrets": "KEY from /home/me/key",
        "outputs": f"{place}/many-1/outputs",
    }
    assert {name: shown[name] for name in wanted} == wanted
    document = json.loads(said(capfdbinary, place, "show", "many", "one", "--format=json"))["runs"]
    assert [one["name"] for one in document] == ["many-1", "one-1"]
    assert document[0]["limits"]["memory"] == "1k"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("logs", "many"), b"[0] a\n[3] b\xff\n[3] c\nlauncher: the end\n"),
        (("logs", "-f", "many"), b"[0] a\n[3] b\xff\n[3] c\nlauncher: the end\n"),
        (("logs", "--rank", "3", "many"), b"b\xff\nc\n"),
        (("logs", "many", "--rank=2"), b""),
        (("logs", "one", "--rank=0"), b"[0] a\n[3] b\xff\n[3] c\nlauncher: the end\n"),
    ],
)
def test_what_was_printed(
    words: tuple[str, ...], wanted: bytes, place: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert said(capfdbinary, place, *words) == wanted


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["logs"], "logs needs the name of a run"),
        (["show"], "show needs the name of a run"),
        (["show", "none"], "none: no such run"),
        (["logs", "many", "--rank=4"], "it has no rank 4, but the ranks 0 to 3"),
        (["show", "many", "--follow"], "--follow goes with logs"),
        (["--rank=0"], "--rank goes with logs"),
        (["logs", "many", "--rank=-1"], "'-1' is not the number of a rank"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: list[str], says: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code: Any
    try:
        code = main(["runs", *words, f"--runs={place}"])
    except SystemExit as ended:
        code = ended.code
    assert code == 125
    assert says in capsys.readouterr().err


def test_a_moment_is_in_utc_and_to_the_second() -> None:
    assert moment("2026-01-01T02:00:00.999+02:00") == "2026-01-01T00:00:00Z"
    assert moment("2026-01-01T00:00:00.123456789Z") == "2026-01-01T00:00:00Z"
