"""Temporary directories and tags. Each names its process, so `clean` finds what a killed process left."""

import errno
import os
import re
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.errors import BuilderError

PREFIX = "framework-images-"
PASSING = re.compile(r"127\.0\.0\.1:[0-9]+/framework-images-passing:([0-9]+)-[0-9a-f]{8}-(.+)")
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for the block that only this user can read."""
    with told_when_full(), tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as directory:
        yield Path(directory)


@contextmanager
def told_when_full() -> Iterator[None]:
    """Turns the error of a full disk into a BuilderError."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise BuilderError(
            f"{where}{error.strerror}; temporary files are in {tempfile.gettempdir()}",
            hint=f"df -h {tempfile.gettempdir()}; python -m builder clean; or TMPDIR=DIR, on a larger disk",
        ) from error


def is_full(error: BaseException) -> bool:
    """Whether the error says that a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in FULL


def passing(port: int) -> str:
    """A name for an image while this process hands it to a port of its own; the tag names the process and the host."""
    host = re.sub(r"[^A-Za-z0-9_.-]", "-", socket.gethostname())[:64]
    return f"127.0.0.1:{port}/framework-images-passing:{os.getpid()}-{secrets.token_hex(4)}-{host}"


def is_left(name: str) -> bool:
    """Whether `passing` made the name on this host, in a process that is gone."""
    found, own = PASSING.fullmatch(name), PASSING.fullmatch(passing(0))
    return bool(found and own and found[2] == own[2] and not is_alive(found[1]))


def abandoned() -> list[Path]:
    """The temporary directories of processes that are gone."""
    found = Path(tempfile.gettempdir()).glob(f"{PREFIX}[0-9]*-*")
    return sorted(path for path in found if path.is_dir() and not is_alive(owner(path)))


def owner(directory: Path) -> str:
    """The id of the process that made a directory, as text."""
    return directory.name.removeprefix(PREFIX).partition("-")[0]


def is_alive(process: str) -> bool:
    """Whether the process runs; an unknown one counts as running."""
    if not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
