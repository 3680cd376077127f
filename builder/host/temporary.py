"""Temporary directories and tags. Each names its process, so `clean` finds what a killed process left."""

import errno
import os
import re
import secrets
import socket
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from builder.errors import BuilderError

PREFIX = "framework-images-"
PASSING = re.compile(r"127\.0\.0\.1:[0-9]+/framework-images-passing:([0-9]+)-[0-9a-f]{8}-(.+)")
ROOM = 1 << 16
"""Bytes. A disk with less is full: a failed write leaves what it could not use."""
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for the block that only this user can read."""
    prefix = f"{PREFIX}{os.getpid()}-{name_space()}-"
    # Told before the directory is removed: then its disk is full no more.
    with tempfile.TemporaryDirectory(prefix=prefix) as directory, told_when_full():
        yield Path(directory)


@contextmanager
def told_when_full(*places: Path) -> Iterator[None]:
    """Turns the error of a full disk into a BuilderError that names the disk; `places` are written to as well."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise full(error, places) from error


def full(error: OSError, places: Sequence[Path]) -> BuilderError:
    """The error of a full disk. The system does not always say of which file: then the first full place is meant."""
    temporary = Path(tempfile.gettempdir())
    if error.filename:
        found = Path(str(error.filename))
        place = next((one for one in (found, *found.parents) if one.is_dir()), temporary)
    elif is_output_full():
        return BuilderError(f"the output: {error.strerror}", hint="df -h, for the file that it is written to")
    else:
        place = next(filter(has_no_room, (temporary, *places, Path.cwd())), temporary)
    where = f"{error.filename}: {error.strerror}" if error.filename else f"{place}: {error.strerror}"
    if place == temporary or temporary in place.parents:
        hint = f"df -h {temporary}; python -m builder clean; or TMPDIR=DIR, on a larger disk"
        return BuilderError(f"{where}; temporary files are in {temporary}", hint=hint)
    return BuilderError(where, hint=f"df -h {place}; python -m builder clean")


def has_no_room(place: Path) -> bool:
    """Whether the disk of a directory, or of the one that will hold it, is full."""
    try:
        found = os.statvfs(next(one for one in (place, *place.absolute().parents) if one.exists()))
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < ROOM


def is_output_full() -> bool:
    """Whether standard output takes nothing more."""
    try:
        os.write(1, b"")
        found = os.fstatvfs(1)
        return stat.S_ISREG(os.fstat(1).st_mode) and found.f_bavail * found.f_frsize < ROOM
    except OSError as error:
        return is_full(error)


def name_space() -> str:
    """The name space of this process's number. In another one, the same number is another process."""
    try:
        return "".join(filter(str.isdigit, str(Path("/proc/self/ns/pid").readlink())))
    except OSError:
        return "0"


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
    found = Path(tempfile.gettempdir()).glob(f"{PREFIX}[0-9]*-{name_space()}-*")
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
    except (ProcessLookupError, PermissionError, OverflowError) as error:
        return not isinstance(error, ProcessLookupError)
    return True
