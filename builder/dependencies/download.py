"""Downloads of locked files: streamed, checked while they come, resumed where they broke off, whole or absent."""

import errno
import hashlib
import http.client
import urllib.error
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from builder.dependencies import package_index
from builder.errors import BuilderError, CancelledError
from builder.host.site import Site, redact

TRIES = 4
STALLED_SECONDS = 20
BLOCK = 1 << 20
MD5_DIGITS = 32
RANGE_NOT_SATISFIABLE = 416
Ended = Event
"""Set when a run is over: every download of it ends at its next block."""
AGAIN = "what came so far is kept: run it again"


class StopError(BuilderError):
    """What no further file would survive: a full disk, a network that is gone."""


class OtherBytesError(BuilderError):
    pass


def stopped(file: Path, error: OSError) -> StopError:
    """The error of a file that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StopError(
        f"{file}: {error.strerror}; {AGAIN}", hint=f"df -h {file.parent}" if full else f"ls -ld {file.parent}"
    )


@contextmanager
def pool(
    at_once: int,
) -> Iterator[
    tuple[Callable[[Any, Callable[[Any, Ended], str]], None], Callable[[], Iterator[tuple[Any, Future[str]]]]]
]:
    """A way to begin tasks, and the tasks as they end; leaving the block ends all that still run."""
    stop, futures = Event(), dict[Future[str], Any]()
    with ThreadPoolExecutor(at_once) as threads:

        def submit(item: Any, task: Callable[[Any, Ended], str]) -> None:  # noqa: ANN401 (whatever the caller names)
            futures[threads.submit(task, item, stop)] = item

        def ended() -> Iterator[tuple[Any, Future[str]]]:
            return ((futures[future], future) for future in as_completed(futures))

        try:
            yield submit, ended
        finally:
            stop.set()
            threads.shutdown(wait=False, cancel_futures=True)


def algorithm(checksum: str) -> str:
    """Which checksum it is: an md5 has 32 hexadecimal digits, a sha256 64."""
    return "md5" if len(checksum) == MD5_DIGITS else "sha256"


def hasher(checksum: str) -> "hashlib._Hash":
    return hashlib.new(algorithm(checksum), usedforsecurity=False)


def to_file(url: str, target: Path, checksum: str, site: Site, stop: Ended, *, what: str) -> None:
    """Download to `target`, which appears when its checksum, a sha256 or an md5, is the locked one.

    Raises StopError, and BuilderError when the bytes are others.
    """
    part = target.with_name(f".{target.name}.{checksum[:8]}.part")
    reason: object = ""
    for attempt in range(TRIES):
        try:
            digest = stream(url, part, checksum, site, stop)
            settle(part, target, digest, checksum, what)
        except urllib.error.HTTPError as error:
            reason = error
            if error.code == RANGE_NOT_SATISFIABLE:
                part.unlink(missing_ok=True)
            elif error.code < package_index.SERVER_ERROR and error.code != package_index.TOO_MANY:
                raise BuilderError(f"{what}: {redact(url)}: {error}", hint="python -m builder doctor") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
        else:
            return
        if stop.wait(0.5 * 2**attempt):
            raise CancelledError("interrupted; what came so far is kept")
    raise StopError(f"{what}: {redact(url)}: {reason}; {AGAIN}", hint="python -m builder doctor")


def settle(part: Path, target: Path, found: str, checksum: str, what: str) -> None:
    """Give the file its name when it is the locked one; else remove it, and raise BuilderError."""
    if found == checksum:
        try:
            part.replace(target)
        except OSError as error:
            raise stopped(target, error) from None
        return
    part.unlink(missing_ok=True)
    hint = "compare it with the publisher's; is a proxy in between?"
    raise OtherBytesError(
        f"{what}: it came with {algorithm(checksum)} {found}, locked is {checksum}: not kept", hint=hint
    )


def stream(url: str, part: Path, checksum: str, site: Site, stop: Ended) -> str:
    """Append to `part` what is still missing of the file behind the URL; returns the checksum of the whole.

    Raises StopError when the disk refuses, CancelledError, and the errors of a network.
    """
    total, size = known(part, checksum)
    headers = {"Range": f"bytes={size}-"} if size else {}
    with package_index.asked(url, site, headers, seconds=STALLED_SECONDS) as answer:
        if size and answer.status != package_index.PARTIAL:
            total, size = hasher(checksum), 0
        length = answer.headers.get("Content-Length")
        expected = size + int(length) if length else None
        with opened(part, "ab" if size else "wb") as out:
            while block := answer.read1(BLOCK):
                if stop.is_set():
                    raise CancelledError("interrupted; what came so far is kept")
                size += written(out, block, part)
                total.update(block)
    if expected is not None and size != expected:
        raise ConnectionError(f"cut off after {size:,} of {expected:,} bytes")
    return total.hexdigest()


def known(part: Path, checksum: str) -> "tuple[hashlib._Hash, int]":
    """The hash, of the checksum's kind, and the size of what an earlier run left."""
    total = hasher(checksum)
    with suppress(FileNotFoundError), part.open("rb") as stream:
        while block := stream.read(BLOCK):
            total.update(block)
    return total, part.stat().st_size if part.exists() else 0


def opened(part: Path, mode: str) -> Any:  # noqa: ANN401 (as open)
    try:
        return part.open(mode)
    except OSError as error:
        raise stopped(part, error) from None


def written(out: Any, block: bytes, part: Path) -> int:  # noqa: ANN401 (as open)
    """Write the block to the disk; returns its size."""
    try:
        out.write(block)
        out.flush()
    except OSError as error:
        raise stopped(part, error) from None
    return len(block)
