"""The wheels of a derived image: from an index that breaks off, whole or absent, and by one run at a time."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.dependencies import download
from builder.errors import BuilderError
from builder.host import mutex
from builder.host.cache import cache_directory
from builder.host.site import Site
from builder.matrix.spec import Distribution
from builder.wheels import downloads
from tests.support.package_index import Index, serving

NAMES = ("one-1.0-py3-none-any.whl", "two-1.0-py3-none-any.whl")
FILES = {name: name.encode() * 1000 for name in NAMES}
WANTED = [
    Distribution(name=file.partition("-")[0], version="1.0", file=file, sha256=hashlib.sha256(content).hexdigest())
    for file, content in FILES.items()
]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(download, "PAUSES", (0.0,))


@pytest.fixture
def index() -> Iterator[Index]:
    with serving(Index(files=dict(FILES))) as found:
        yield found


def fetched(index: Index) -> dict[str, bytes]:
    found = downloads.wheels(WANTED, Site(pip_index_url=f"{index.url}/simple"))
    return {path.name: path.read_bytes() for path in found.values()}


def test_an_index_that_breaks_off_once_is_asked_for_the_rest(index: Index) -> None:
    index.cut = {NAMES[0]: 1}
    assert fetched(index) == FILES
    assert f"/files/{NAMES[0]} bytes={len(FILES[NAMES[0]]) // 2}-" in index.asked
    index.asked.clear()
    assert fetched(index) == FILES
    assert not index.asked


def test_a_file_that_never_comes_whole_is_absent_and_goes_on_next_time(index: Index) -> None:
    index.cut = {NAMES[0]: 2}
    with pytest.raises(BuilderError, match=r"one 1\.0: .*: cut off after .*; what came so far is kept: run it again"):
        fetched(index)
    assert not downloads.place(WANTED[0]).exists()
    assert fetched(index) == FILES


def test_other_bytes_are_not_kept(index: Index) -> None:
    index.files[NAMES[0]] = b"other"
    index.promised[NAMES[0]] = WANTED[0].sha256
    with pytest.raises(BuilderError, match=r"it came with sha256 .*: not kept"):
        fetched(index)
    assert list(downloads.place(WANTED[0]).parent.iterdir()) == []


def test_one_run_at_a_time_fetches_and_the_next_finds_it(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutex, "WAIT_SECONDS", 0.01)
    waits = threading.Semaphore(0)
    monkeypatch.setattr(downloads, "say", lambda _: waits.release())
    first = mutex.acquire(cache_directory() / "locks", "wheels")
    assert isinstance(first, mutex.Mutex)
    made: list[dict[str, bytes]] = []
    runs = [threading.Thread(target=lambda: made.append(fetched(index))) for _ in range(2)]
    for one in runs:
        one.start()
    assert all(waits.acquire(timeout=30) for _ in runs)
    assert not index.asked
    first.release()
    for one in runs:
        one.join(30)
    assert made == [FILES, FILES]
    assert sum("/files/" in one for one in index.asked) == len(FILES)
