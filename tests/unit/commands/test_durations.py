"""Durations and sizes of flags, as people write them; what is neither is refused with the flag's name."""

from datetime import timedelta

import pytest

from builder.commands.flags.build import BuildOptions
from builder.commands.flags.durations import age, duration, written
from builder.commands.flags.train import RunOptions
from builder.commands.parser import options

HOUR, DAY = 3600, 24 * 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(
            ("90", 90),
            ("90s", 90),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("1h30m10s", 5410),
            ("5min", 300),
            ("1 hour", HOUR),
        ),
        *(("1.5h", 5400), ("0.5m", 30), ("1d12h", 36 * HOUR), ("2w", 14 * DAY), ("1H30M", 5400), ("  10m ", 600)),
        *(("2 days", 2 * DAY), ("10 mins", 600), ("0", 0), ("0s", 0), ("90 secs", 90)),
        *(("", None), ("h", None), ("1h30", None), ("30m1h", None), ("1h1h", None), ("-1h", None), ("1x", None)),
        *(("1:30:00", None), ("1h,30m", None), ("1e3", None), ("\u0661h", None), ("1.5", None), ("1 h 3 0 m", None)),
        *(("soon", None), ("1ms", None), ("infinity", None), ("1hh", None)),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert duration(text, "s") == seconds


def test_a_number_alone_is_in_the_unit_of_its_flag() -> None:
    assert duration("2", "d") == 2 * DAY
    assert (age("30"), age("36h"), age("1d12h")) == (timedelta(days=30), timedelta(hours=36), timedelta(hours=36))


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 90, HOUR, 5400, DAY, 8 * DAY + 61])
def test_what_is_written_is_read_back(seconds: int) -> None:
    assert duration(written(seconds), "s") == seconds


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--max-duration=1x"], "argument --max-duration: '1x' is no duration like 90s, 10m or 1h30m"),
        (["--max-duration=0"], "argument --max-duration: '0' is not between 1s and 52w2d"),
        (["--max-duration=9999d"], "argument --max-duration: '9999d' is not between"),
        (["--registry-seconds=8d"], "argument --registry-seconds: '8d' is not between 1s and 1w"),
        (["--memory=8x"], "argument --memory: '8x' is not a size like 512m, 8g or 8GiB"),
        (["--shm-size=0"], "argument --shm-size: '0' is not a size"),
    ],
)
def test_what_is_neither_is_refused(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(["run", "--entry=train.py", *words])
    assert says in capsys.readouterr().err


def test_every_flag_reads_the_same() -> None:
    found = options(["run", "--entry=s.py", "--max-duration=1h30m", "--registry-seconds=2m", "--memory=8GiB"])
    assert isinstance(found, RunOptions)
    assert (found.max_duration, found.registry_seconds, found.memory) == (5400, 120, "8GiB")
    found = options(["build", "--verify-seconds=1h"])
    assert isinstance(found, BuildOptions)
    assert found.verify_seconds == HOUR
