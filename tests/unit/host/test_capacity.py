"""How many builds run at once: what processors, memory and cgroups allow."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import EngineError
from builder.host.capacity import BYTES_PER_BUILD, MOST, UNLIMITED, Capacity, builds_at_once, note, of_engine, room

GB = 10**9
MEMINFO = "MemTotal:       24000000 kB\nMemFree:  10 kB\nMemAvailable:    8000000 kB\nHugePages_Total:       0\n"
HERE = {"NCPU": 4096, "MemTotal": 24_000_000 * 1024}


@given(st.integers(1, 512), st.integers(0, 10**13), st.integers(1, 500))
def test_at_least_one_and_never_more_than_there_is(processors: int, available: int, cells: int) -> None:
    number = builds_at_once(Capacity(processors=processors, available=available), cells)
    assert 1 <= number <= min(cells, MOST, max(2, processors))
    assert number == 1 or number * BYTES_PER_BUILD <= available
    more = Capacity(processors=processors + 1, available=available + GB)
    assert builds_at_once(more, cells + 1) >= number


@pytest.mark.parametrize(
    ("processors", "gigabytes", "cells", "expected", "bounds"),
    [
        (2, 22, 24, 2, False),
        (1, 22, 24, 2, False),
        (16, 64, 24, 16, False),
        (16, 64, 3, 3, False),
        (16, 6, 24, 2, True),
        (16, 1, 24, 1, True),
        (16, 1, 1, 1, False),
    ],
)
def test_what_bounds(processors: int, gigabytes: int, cells: int, expected: int, bounds: bool) -> None:
    capacity = Capacity(processors=processors, available=gigabytes * GB)
    assert builds_at_once(capacity, cells) == expected
    said = note(capacity, cells)
    assert (said is not None) is bounds
    assert said is None or f"{gigabytes}.0 GB" in said


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, UNLIMITED),
        ({"memory.max": "max\n", "memory.current": "5\n"}, UNLIMITED),
        ({"memory.max": "4000\n", "memory.current": "1000\n"}, 3000),
        ({"memory.max": "4000\n", "memory.current": "5000\n"}, 0),
        (
            {"memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.usage_in_bytes": "5\n"},
            UNLIMITED,
        ),
        ({"memory/memory.limit_in_bytes": "4000\n", "memory/memory.usage_in_bytes": "1000\n"}, 3000),
    ],
)
def test_what_a_control_group_leaves(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    assert room(write(tmp_path, files)) == expected


def test_this_machine_counts_what_is_free_and_another_what_it_has(tmp_path: Path) -> None:
    write(tmp_path, {"meminfo": MEMINFO, "memory.max": "4000000000", "memory.current": "0"})
    meminfo, none = tmp_path / "meminfo", tmp_path / "none"
    assert of_engine(HERE, meminfo=meminfo, cgroup=none).available == 8_000_000 * 1024
    assert of_engine(HERE, meminfo=meminfo, cgroup=none).processors < 4096
    assert of_engine(HERE, meminfo=meminfo, cgroup=tmp_path).available == 4_000_000_000
    other = of_engine({"NCPU": 32, "MemTotal": 64 * GB}, meminfo=meminfo, cgroup=tmp_path)
    assert other == Capacity(processors=32, available=64 * GB)
    assert of_engine({"NCPU": 3, "MemTotal": GB}, meminfo=none) == Capacity(processors=3, available=GB)


def test_an_engine_that_does_not_say(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="does not give"):
        of_engine({}, meminfo=tmp_path / "none")
