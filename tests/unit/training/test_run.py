"""How a run ended, who runs it, what is recorded of it, and its output frame by frame."""

import os
import struct
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import InputError
from builder.training.local.collect import verdict
from builder.training.local.containers import User, user_of
from builder.training.local.nodes import ContainerState, combined
from builder.training.local.output import split
from builder.training.records import record
from builder.training.request.distribution import Backend, Topology
from builder.training.request.plan import Limits
from builder.training.request.sizes import shown, size, written
from tests.support.run_plans import LOCAL_PLAN


def test_a_record_reads_back_as_it_was(tmp_path: Path) -> None:
    written = record.write(tmp_path, record.Record(run="run", plan=LOCAL_PLAN, submitted=record.now()))
    assert record.read(tmp_path) == written
    assert asdict(record.read(tmp_path)) == asdict(written)


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 1}', '{"schema": 1, "run": "x", "plan": {}}', "[1]"])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / record.FILE).write_text(text)
    with pytest.raises(InputError, match="not the record of a run"):
        record.read(tmp_path)


def test_names_of_runs_suit_the_engine() -> None:
    assert record.new_id("sub dir/Train_\u00fc.py").startswith("train-2")
    assert record.new_id("\u4f60.py").startswith("run-2")


def state(code: int, seconds: int = 5, *, status: str = "exited", memory: bool = False) -> ContainerState:
    return ContainerState(
        status=status,
        exit_code=code,
        started="2026-01-01T00:00:00.1Z",
        finished=f"2026-01-01T00:00:0{seconds}.123456789Z",
        is_out_of_memory=memory,
    )


@pytest.mark.parametrize(
    ("found", "limits", "cancelled", "status"),
    [
        (state(0), Limits(), False, "completed"),
        (state(3), Limits(), False, "failed"),
        (state(124), Limits(), False, "failed"),
        (state(124), Limits(seconds=4), False, "timed out"),
        (state(137), Limits(seconds=4), False, "timed out"),
        (state(124), Limits(seconds=6), False, "failed"),
        (state(137, memory=True), Limits(memory=1), False, "out of memory"),
        (state(137), Limits(memory=1), False, "failed"),
        (state(143), Limits(), True, "cancelled"),
        (None, Limits(), False, "lost"),
    ],
)
def test_the_end_of_a_run(found: ContainerState | None, limits: Limits, cancelled: bool, status: str) -> None:
    assert verdict(found, limits, cancelled=cancelled)[0] == status


RUNNING = state(0, status="running")


@pytest.mark.parametrize(
    ("backend", "found", "status", "failed"),
    [
        ("gloo", [state(0), RUNNING], "running", None),
        ("gloo", [state(0), state(0)], "exited", None),
        ("gloo", [RUNNING, state(3)], "exited", 1),
        ("gloo", [state(1, 6), state(3, 5)], "exited", 1),
        ("mpi", [state(0), RUNNING], "exited", None),
        ("mpi", [state(0), state(255)], "exited", None),
        ("mpi", [state(1), RUNNING], "exited", 0),
    ],
)
def test_the_states_of_several_nodes_are_one(
    backend: Backend, found: list[ContainerState], status: str, failed: int | None
) -> None:
    one = combined(found, Topology(backend=backend, nodes=2))
    assert (one.status, one.failed_node) == (status, failed)


@pytest.mark.parametrize(
    ("configured", "uid", "user"),
    [
        ("1000:1000", 501, User(words="501:20", uid=501, gid=20)),
        ("", 501, User(words="501:20", uid=501, gid=20)),
        ("1000:1000", 0, User(words=None, uid=1000, gid=1000)),
        ("", 0, User(words=None, uid=0)),
        ("root", 0, User(words=None, uid=0)),
        ("trainer", 0, User(words=None, uid=None)),
    ],
)
def test_what_a_run_writes_is_the_callers(configured: str, uid: int, user: User) -> None:
    assert user_of(configured, uid=uid, gid=20) == user


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_frames_survive_any_cut(written: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(struct.pack(">BxxxL", kind, len(text)) + text for kind, text in written)

    def pieces() -> Iterator[bytes]:
        place = 0
        while place < len(data):
            step = cuts[place % len(cuts)]
            yield data[place : place + step]
            place += step

    found = list(split(pieces()))
    for wanted in (1, 2):
        said = b"".join(text for kind, text in written if kind == wanted)
        assert b"".join(text for is_error, text in found if is_error is (wanted == 2)) == said


@pytest.mark.parametrize(
    ("text", "count"),
    [
        *(("2g", 2 * 1024**3), ("512m", 512 * 1024**2), ("64K", 65536), ("1.5gb", 1610612736), ("1024", 1024)),
        *(("2 GiB", 2 * 1024**3), ("", None), ("lots", None), ("-1g", None), ("0", None), ("2x", None), ("g", None)),
        *(
            ("8GiB", 8 * 1024**3),
            ("8Gi", 8 * 1024**3),
            ("512M", 512 * 1024**2),
            ("1 TB", 1024**4),
            ("7b", 7),
            ("7 B", 7),
        ),
        *(("8ib", None), ("8gi b", None), ("8 gigabytes", None), ("1g512m", None), ("8,5g", None)),
        *((2, None), (None, None), ("1e3", None), ("\u0662g", None)),
    ],
)
def test_sizes(text: object, count: int | None) -> None:
    assert size(text) == count


def test_sizes_for_people() -> None:
    counts = (7, 1536, 300 * 1024**2, 8 * 1024**3, 1000)
    assert [written(count) for count in counts] == ["7 bytes", "1536 bytes", "300m", "8g", "1000 bytes"]
    assert [shown(n) for n in (7, 1500, 2_500_000, 3 * 10**9)] == ["7 bytes", "1.5 kB", "2.5 MB", "3.0 GB"]


def test_a_user_without_a_home_is_told_to_name_a_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_DATA_HOME", "FRAMEWORK_IMAGES_RUNS", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert record.root(tmp_path) == tmp_path
    with pytest.raises(InputError, match="no home directory"):
        record.root()
