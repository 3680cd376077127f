"""The exit code of a verb that trains is the script's, and what the verb itself fails at is none of a script's."""

from pathlib import Path

import pytest

from builder.__main__ import main
from builder.commands.common.follow_run import exit_code
from builder.errors import InputError
from builder.training.records.record import Record, Status
from tests.support.run_plans import LOCAL_PLAN


@pytest.mark.parametrize(
    ("status", "code", "wanted"),
    [
        ("completed", 0, 0),
        ("failed", 7, 7),
        ("failed", 1, 1),
        ("failed", 2, 2),
        ("failed", 137, 137),
        ("failed", 126, 126),
        ("failed", None, 125),
        ("out of memory", 137, 137),
        ("out of memory", 1, 1),
        ("timed out", 124, 124),
        ("timed out", 137, 124),
        ("cancelled", 143, 143),
        ("cancelled", None, 143),
        ("cancelled", 0, 143),
        ("lost", None, 125),
    ],
)
def test_the_end_of_a_run_is_the_exit_code(status: Status, code: int | None, wanted: int) -> None:
    assert exit_code(Record(run="r", plan=LOCAL_PLAN, submitted="", status=status, exit_code=code)) == wanted


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--entry=none.py"],
        ["run", "--entry=none.py", "--target=kubernetes", "--export=azureml"],
        ["rerun", "none", "--runs=none"],
        ["runs", "adopt", "none", "--runs=none"],
        ["runs", "list", "none"],
    ],
)
def test_what_the_verb_fails_at_is_none_of_a_scripts_codes(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert main(words) == 125
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["--debug"]])
@pytest.mark.parametrize("error", [RuntimeError("unforeseen"), InputError("foreseen")])
def test_an_error_with_a_traceback_is_none_of_a_scripts_codes(
    error: Exception, flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_options: object) -> int:
        raise error

    monkeypatch.setattr("builder.commands.run.run", fails)
    assert main(["run", "--entry=train.py", *flags]) == 125
    assert "foreseen" in capsys.readouterr().err


def test_other_verbs_keep_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--matrix=none.yaml"]) == 2
    assert "none.yaml" in capsys.readouterr().err
