"""What a host remembers: whole or absent, and damage is as good as absence."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builder.build import history
from builder.build.history import Past
from builder.host.cache import recall, remember
from builder.host.tree_hash import tree_hash
from builder.verify import passed
from builder.verify.report import Report
from tests.support.promises import HOST, promised

DIGEST = f"sha256:{'a' * 64}"
DAMAGE = ("", "{", "[]", "3", '{"schema": 2}', "\x00\xff", '{"schema": 1, "builds": 3, "passed": 3}')


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "framework-images"


def report() -> Report:
    return Report(
        reference="x",
        digest=DIGEST,
        promise=promised(),
        results=(),
        measured={},
        host=HOST,
        seconds=1.5,
        junit=None,
        log=None,
    )


def quiet(line: str) -> None:
    raise AssertionError(line)


def test_verifications_add_up_by_checks() -> None:
    assert passed.passed(DIGEST) == {}
    passed.pass_of(report(), "one", quiet)
    passed.pass_of(report(), "two", quiet)
    assert passed.passed(DIGEST).keys() == {"one", "two"}
    assert "1 pins" in passed.passed(DIGEST)["one"]["summary"]
    passed.file_of("sha256:b").write_text(passed.file_of(DIGEST).read_text())
    assert passed.passed("sha256:b") == {}, "a file of another digest"


def test_the_host_is_remembered_and_what_was_written_without_one_counts_for_nothing() -> None:
    passed.pass_of(report(), "one", quiet)
    found = passed.verification(DIGEST, "one")
    assert found
    assert found.host == HOST
    content = json.loads(passed.file_of(DIGEST).read_text())
    del content["passed"]["one"]["host"]
    passed.file_of(DIGEST).write_text(json.dumps(content))
    assert passed.passed(DIGEST) == {}
    assert passed.verification(DIGEST, "one") is None


@pytest.mark.parametrize(("hours", "counts"), [(-1, True), (0, True), (1, False)])
def test_a_verification_of_the_future_counts_for_nothing(hours: int, counts: bool) -> None:
    passed.pass_of(report(), "one", quiet)
    content = json.loads(passed.file_of(DIGEST).read_text())
    content["passed"]["one"]["when"] = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    passed.file_of(DIGEST).write_text(json.dumps(content))
    assert (passed.verification(DIGEST, "one") is not None) == counts


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_entry_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (passed.file_of(DIGEST), history.file_of("a/b")):
        file.parent.mkdir(parents=True)
        file.write_text(text, "latin-1")
    assert passed.passed(DIGEST) == {}
    assert history.past("a/b") == Past()
    assert capsys.readouterr().err.count("ignored: ") == 2
    passed.pass_of(report(), "one", quiet)
    assert passed.passed(DIGEST).keys() == {"one"}


def test_the_expected_time_is_the_median_of_the_last() -> None:
    assert Past().seconds("build") is None
    assert Past().seconds("skip") == 0
    for seconds in (900.0, 10.0, 20.0, 30.0, 40.0, 50.0):
        history.add_build("a/b", quiet, digest=f"sha256:{seconds}", seconds=seconds, size=7, rebase=False)
    history.add_build("a/b", quiet, digest="sha256:10.0", seconds=2.0, size=0, rebase=True)
    history.add("a/b", quiet, verification=4.0)
    past = history.past("a/b")
    assert (past.builds, past.verifications, past.bytes) == ((10.0, 20.0, 30.0, 40.0, 50.0), (4.0,), 7)
    assert len(past.made) == 6
    assert sorted(past.made[name] - began for name, began in past.began.items()) == [2, 20, 30, 40, 50, 900]
    assert past.seconds("build", rebase=True) == 6.0
    assert (past.seconds("build"), past.seconds("re-verify"), past.seconds("re-tag")) == (34.0, 4.0, 0.0)


def test_what_cannot_be_written_is_said(cache: Path) -> None:
    cache.write_text("a file where a directory should be")
    said: list[str] = []
    passed.pass_of(report(), "one", said.append)
    history.add("a/b", said.append, verification=1.0)
    assert ["verified again" in said[0], "will not know" in said[-1]] == [True, True]


def test_a_reader_sees_no_part_of_a_file(tmp_path: Path) -> None:
    file, stop = tmp_path / "one.json", threading.Event()
    remember(file, {"n": "x" * 10_000})

    def write() -> None:
        while not stop.is_set():
            remember(file, {"n": "y" * 10_000})

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for _ in range(300):
        assert recall(file)
    stop.set()
    for writer in writers:
        writer.join()
    assert list(tmp_path.iterdir()) == [file]


def test_a_tree_is_read_again_when_a_file_changed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "python").write_text("one")
    first = tree_hash(tree)
    assert tree_hash(tree) == first
    (tree / "bin" / "python").write_text("two")
    second = tree_hash(tree)
    assert second != first
    (tree / "bin" / "cache.pyc").write_text("byte code")
    assert tree_hash(tree) == second
    (tree / "bin" / "python").chmod(0o700)
    assert tree_hash(tree) != second
