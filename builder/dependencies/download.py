"""Downloads locked files: hashed while they come, resumed where they broke off, and whole or absent at the end."""

import errno
import hashlib
import http.client
import urllib.error
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from builder.dependencies import package_index
from builder.errors import BuilderError, CancelledError
from builder.host.retry import RetryPolicy, retry
from builder.host.site import Site, redact

PAUSES = (0.5, 1.0, 2.0)
DEADLINE = 2 * 3600.0
"""Seconds for one file. Each attempt goes on where the one before ended."""
STALLED_SECONDS = 20
BLOCK = 1 << 20
MD5_DIGITS = 32
RANGE_NOT_SATISFIABLE = 416
Item = TypeVar("Item")
Made = TypeVar("Made")
Ended = Event
"""Set when a run is over: each of its downloads ends after its current block."""
AGAIN = "what came so far is kept: run it again"
INTERRUPTED = "interrupted; what came so far is kept"


class FatalDownloadError(BuilderError):
    """An error that the next file would meet too: a full disk, a network that is gone."""


class OtherBytesError(BuilderError):
    pass


def stopped(file: Path, error: OSError) -> FatalDownloadError:
    """The error of a file that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return FatalDownloadError(
        f"{file}: {error.strerror}; {AGAIN}", hint=f"df -h {file.parent}" if full else f"ls -ld {file.parent}"
    )


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Turns the error of a disk that refuses the file into a FatalDownloadError."""
    try:
        yield
    except OSError as error:
        raise stopped(file, error) from None


@contextmanager
def side_by_side(
    items: Iterable[Item], task: Callable[[Item, Ended], Made], at_once: int
) -> Iterator[Iterator[tuple[Item, Future[Made]]]]:
    """Runs the task for each item, and gives both as they end; leaving the block ends the tasks that still run."""
    stop = Event()
    with ThreadPoolExecutor(at_once) as threads:
        futures = {threads.submit(task, item, stop): item for item in items}
        try:
            yield ((futures[future], future) for future in as_completed(futures))
        finally:
            stop.set()
            threads.shutdown(wait=False, cancel_futures=True)


def algorithm(checksum: str) -> str:
    """Which checksum it is: an md5 has 32 hexadecimal digits, a sha256 64."""
    return "md5" if len(checksum) == MD5_DIGITS else "sha256"


def hasher(checksum: str) -> "hashlib._Hash":
    return hashlib.new(algorithm(checksum), usedforsecurity=False)


def to_file(url: str, target: Path, checksum: str, site: Site, stop: Ended, *, what: str) -> None:
    """Download to `target`, which exists only with the locked sha256 or md5.

    Raises FatalDownloadError when no further file can be had, OtherBytesError for other bytes, and BuilderError.
    """
    part = target.with_name(f".{target.name}.{checksum[:8]}.part")

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise CancelledError(INTERRUPTED)

    try:
        digest = retry(
            lambda: stream(url, part, checksum, site, stop),
            passing=package_index.passing,
            policy=RetryPolicy(pauses=PAUSES, deadline=DEADLINE, sleep=wait),
            progress=lambda: part.stat().st_size if part.exists() else 0,
        )
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise failed(what, url, error) from None
    settle(part, target, digest, checksum, what)


def failed(what: str, url: str, error: Exception) -> BuilderError:
    """The error of a download: fatal unless the server refused this one file."""
    found = package_index.unanswered(f"{what}: {redact(url)}", error)
    if package_index.passing(error) is None:
        return found
    return FatalDownloadError(f"{found.message}; {AGAIN}", hint=found.hint)


def settle(part: Path, target: Path, found: str, checksum: str, what: str) -> None:
    """Give the file its name when its checksum is the locked one; else remove it, and raise OtherBytesError."""
    if found == checksum:
        with writing(target):
            part.replace(target)
        return
    part.unlink(missing_ok=True)
    hint = "compare it with the publisher's; is a proxy in between?"
    raise OtherBytesError(
        f"{what}: it came with {algorithm(checksum)} {found}, locked is {checksum}: not kept", hint=hint
    )


def stream(url: str, part: Path, checksum: str, site: Site, stop: Ended) -> str:
    """Append to `part` what is still missing of the file; returns the checksum of the whole.

    Raises FatalDownloadError when the disk refuses, CancelledError, and the errors of a network.
    """
    total, size = known(part, checksum)
    with resumed(url, part, size, site) as answer:
        if size and answer.status != package_index.PARTIAL:
            total, size = hasher(checksum), 0
        length = answer.headers.get("Content-Length")
        expected = size + int(length) if length else None
        with writing(part):
            out = part.open("ab" if size else "wb")
        with out:
            while block := answer.read1(BLOCK):
                if stop.is_set():
                    raise CancelledError(INTERRUPTED)
                with writing(part):
                    out.write(block)
                    out.flush()
                size += len(block)
                total.update(block)
    if expected is not None and size != expected:
        raise ConnectionError(f"cut off after {size:,} of {expected:,} bytes")
    return total.hexdigest()


def resumed(url: str, part: Path, size: int, site: Site) -> Any:  # noqa: ANN401 (as urlopen)
    """The open answer with the rest of the file; a part that is longer than the file is removed."""
    headers = {"Range": f"bytes={size}-"} if size else {}
    try:
        return package_index.asked(url, site, headers, seconds=STALLED_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != RANGE_NOT_SATISFIABLE:
            raise
        part.unlink(missing_ok=True)
        raise ConnectionError("what an earlier run kept was longer than the file, and is removed") from None


def known(part: Path, checksum: str) -> "tuple[hashlib._Hash, int]":
    """The hash, of the checksum's kind, and the size of what an earlier run left."""
    try:
        with part.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hasher(checksum)), stream.tell()
    except FileNotFoundError:
        return hasher(checksum), 0
