"""Removing runs: what goes, what stays, and what a removal that fails leaves."""

import errno
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.__main__ import main
from builder.commands.clean import half_snapshots
from builder.training.local.run import LocalRun
from builder.training.records import record
from builder.training.request.snapshot import abandoned
from tests.support.run_plans import LOCAL_PLAN


def kept(place: Path, name: str, snapshot: Path, status: record.Status = "completed") -> Path:
    """A run with an output, whose snapshot is in the store."""
    snapshot.mkdir(parents=True, exist_ok=True)
    (place / name / "outputs").mkdir(parents=True)
    (place / name / "outputs" / "model.pt").touch()
    plan = replace(LOCAL_PLAN, snapshot=replace(LOCAL_PLAN.snapshot, path=str(snapshot)))
    record.write(place / name, record.Record(run=name, plan=plan, status=status, submitted=record.now()))
    return place / name


def test_runs_are_removed_with_what_no_other_run_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared, own, foreign = tmp_path / "snapshots" / "1", tmp_path / "snapshots" / "2", tmp_path / "elsewhere" / "3"
    one, other = kept(tmp_path, "one-1", shared), kept(tmp_path, "two-1", shared)
    third, fourth = kept(tmp_path, "three-1", own), kept(tmp_path, "four-1", foreign)
    assert main(["runs", "remove", "one", "one-1", "three", "four-1", f"--runs={tmp_path}"]) == 0
    assert capsys.readouterr().err.count("removed, with its outputs") == 3
    assert [path.exists() for path in (one, other, third, fourth)] == [False, True, False, False]
    assert [path.exists() for path in (shared, own, foreign)] == [True, False, True]
    assert main(["runs", "remove", "two-1", f"--runs={tmp_path}"]) == 0
    assert not shared.exists()
    assert main(["runs", "remove", f"--runs={tmp_path}"]) == 125
    assert main(["runs", "remove", "two-1", f"--runs={tmp_path}"]) == 125


def test_one_that_goes_on_keeps_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalRun, "status", "running")
    paths = [kept(tmp_path, name, tmp_path / "snapshots" / "1", "running") for name in ("one-1", "two-1")]
    assert main(["runs", "remove", "one", "two", f"--runs={tmp_path}"]) == 125
    assert all(path.exists() for path in paths)


def failing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """From now on nothing of that name can be removed."""
    unlink = os.unlink

    def refused(path: Any, *given: Any, **named: Any) -> None:
        if Path(path).name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        unlink(path, *given, **named)

    monkeypatch.setattr(os, "unlink", refused)


def test_a_run_that_cannot_be_removed_whole_is_still_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = kept(tmp_path, "one-1", tmp_path / "snapshots" / "1")
    with monkeypatch.context() as patched:
        failing(patched, "model.pt")
        assert main(["runs", "remove", "one", f"--runs={tmp_path}"]) == 125
    assert "model.pt: cannot be removed: Permission denied" in capsys.readouterr().err
    assert record.read(place).run == "one-1"
    assert main(["runs", "remove", "one", f"--runs={tmp_path}"]) == 0
    assert not place.exists()


def test_half_a_snapshot_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "snapshots" / "1"
    place = kept(tmp_path, "one-1", snapshot)
    for name in ("a.py", "b.py"):
        (snapshot / name).touch()
    with monkeypatch.context() as patched:
        failing(patched, "b.py")
        assert main(["runs", "remove", "one", f"--runs={tmp_path}"]) == 125
    assert not snapshot.exists()
    assert place.exists()
    assert abandoned(snapshot.parent) == []
    with monkeypatch.context() as patched:
        patched.setattr("builder.training.request.snapshot.is_alive", lambda _process: False)
        assert len(abandoned(snapshot.parent)) == 1
    assert main(["runs", "remove", "one", f"--runs={tmp_path}"]) == 0


def test_clean_finds_half_a_snapshot_whose_process_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_IMAGES_RUNS", str(tmp_path))
    ended = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    left, living = (tmp_path / "snapshots" / f".abc-{number}-1f" for number in (ended, os.getpid()))
    for path in (left, living, tmp_path / "snapshots" / "whole"):
        path.mkdir(parents=True)
    assert half_snapshots() == [left]
    monkeypatch.delenv("FRAMEWORK_IMAGES_RUNS")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert half_snapshots() == []
