"""Each long case of the tests runs within a week, and a wish that is no choice is refused."""

import datetime as dt
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.command_line import ROOT
from tests.support.polling import until
from tests.support.rehearsals import ended, silence
from tests.support.rotation import chosen, rotating

CASES = {f"case {number}": number % 7 for number in range(9)}
MONDAY = dt.date(2026, 11, 23)


def test_a_week_runs_every_case_once() -> None:
    week = [chosen(CASES, (MONDAY + dt.timedelta(days=day)).isoformat()) for day in range(7)]
    assert week[0] == ["case 0", "case 7"]
    assert week[6] == ["case 6"]
    assert sorted(name for names in week for name in names) == sorted(CASES)


def test_a_name_or_a_word_is_a_choice() -> None:
    assert chosen(CASES, "case 3") == ["case 3"]
    assert chosen(CASES, "all") == list(CASES)
    assert chosen(CASES, "none") == []


@pytest.mark.parametrize("wish", ["yesterday", "2026-13-01", "case", "ALL"])
def test_a_wish_that_is_no_choice_is_refused_with_the_names(wish: str) -> None:
    with pytest.raises(pytest.UsageError, match=r"neither a date such as 2026-11-27 nor one of all, none, case 0"):
        chosen(CASES, wish)


def test_more_than_seven_cases_share_days() -> None:
    marks = [mark for one in rotating(*CASES) for mark in one.marks]
    assert {mark.args[0]: mark.args[1] for mark in marks} == CASES


@pytest.mark.parametrize(
    ("wish", "cases"),
    [
        ("2026-11-23", ["[1.0.0]", "[pytorch/1.6.0-gpu-ubuntu16.04]"]),
        ("none", []),
    ],
)
def test_the_long_cases_of_a_day_are_collected_and_said(wish: str, cases: list[str]) -> None:
    files = ["tests/integration/training/test_nodes.py", "tests/integration/rehearsal"]
    command = [sys.executable, "-m", "pytest", "-m", "engine and rotation", "--collect-only", "-q", *files]
    done = subprocess.run(
        [*command, "-o", "addopts=--strict-markers --import-mode=importlib"],
        cwd=ROOT,
        env={**os.environ, "ROTATION": wish},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if "::" in line]
    assert [f"[{line.partition('[')[2]}" for line in sorted(found, key=lambda line: "rehears" in line)] == cases
    said = ", ".join(case[1:-1] for case in cases) or "none"
    assert f": {said}; ROTATION=all, none, a name or a date runs others" in done.stdout


@contextmanager
def server(status: int) -> Iterator[str]:
    """A server that answers everything with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(("status", "answers"), [(404, True), (410, True), (403, False), (503, False)])
def test_an_archive_without_the_release_has_answered(status: int, answers: bool) -> None:
    with server(status) as url:
        assert (silence(url) == "") == answers


def test_an_archive_that_is_not_there_is_named() -> None:
    with server(200) as url:
        pass
    assert url in silence(url)


def test_what_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    script = "sleep 300 & echo $!; wait"
    with pytest.raises(subprocess.TimeoutExpired):
        ended(["bash", "-c", script], tmp_path / "log", 5)
    child = int((tmp_path / "log").read_text("utf-8"))
    until(lambda: is_over(child), 10, lambda: f"{child} still runs")


def is_over(process: int) -> bool:
    """Whether it is gone, or only waits to be noticed."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
