"""Copies a source directory into the store of snapshots. The hash of the content is its name, so it is stored once."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from builder.errors import BuilderError, InputError
from builder.host.temporary import is_alive
from builder.training.request.plan import Snapshot
from builder.training.request.sizes import shown
from builder.training.request.source import OWN, SourceEntry, entries

STORE = "snapshots"
"""The directory of all snapshots, beside the runs."""
LIMIT = 300 * 1024**2
"""The documented limit of a snapshot, in bytes."""
SHOWN = 10
PIECE = 1 << 20


def take(source: Path, store: Path, *, limit: int = LIMIT, skip: tuple[Path, ...] = ()) -> Snapshot:
    """The snapshot of a directory, copied unless the store has it. Sizes are bytes. Raises InputError."""
    found = entries(source, skip)
    size = sum(entry.size for entry in found)
    if size > limit:
        raise too_large(source, found, size, limit)
    return stored(source, found, size, store)


def too_large(source: Path, found: list[SourceEntry], size: int, limit: int) -> InputError:
    """The error for a source over the limit, with its largest files."""
    biggest = sorted(found, key=lambda entry: -entry.size)[:SHOWN]
    lines = [f"{shown(entry.size):>10}  {entry.path}" for entry in biggest]
    return InputError(
        f"{source}: {shown(size)} in {len(found)} files, but a snapshot may have {shown(limit)}; the biggest:\n"
        + "\n".join(lines),
        hint="name what the script does not need in .amlignore; pass data with --input NAME=PATH",
    )


def stored(source: Path, found: list[SourceEntry], size: int, store: Path) -> Snapshot:
    """The snapshot in the store. The source is hashed before it is copied, because most runs repeat a known one."""
    digest = digest_of(found, partial(read, source))
    place = store / digest
    if not place.is_dir():
        fill(source, found, place)
    return Snapshot(sha256=digest, files=len(found), size=size, path=str(place))


def digest_of(found: list[SourceEntry], content: Callable[[SourceEntry], bytes]) -> str:
    """The sha256 over paths, kinds and contents, without times and owners."""
    total = hashlib.sha256()
    for entry in found:
        kind = b"link" if entry.link is not None else b"x" if entry.executable else b"-"
        total.update(b"%s %s\0%s\0" % (kind, os.fsencode(entry.path), content(entry)))
    return total.hexdigest()


def read(source: Path, entry: SourceEntry) -> bytes:
    """The hash of an entry's content."""
    if entry.link is not None:
        return hashlib.sha256(os.fsencode(entry.link)).digest()
    total = hashlib.sha256()
    for piece in pieces(f"{source}/{entry.path}"):
        total.update(piece)
    return total.digest()


def pieces(path: str) -> Iterator[bytes]:
    """The bytes of a file, read by descriptor, because a snapshot may have 100 000 files. Raises InputError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            while piece := os.read(file, PIECE):
                yield piece
        finally:
            os.close(file)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def fill(source: Path, found: list[SourceEntry], place: Path) -> None:
    """Copy into a hidden directory, and give it the snapshot's name when it has the hash. No run sees half a copy."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = hidden(place)
    try:
        for directory in directories(found):
            (scratch / directory).mkdir()
            (scratch / directory).chmod(0o755)
        if digest_of(found, partial(copied, source, scratch)) != place.name:
            raise InputError(f"{source}: its files changed while they were copied", hint="wait for what writes there")
        rename_unless_there(scratch, place)
    except OSError as error:
        raise BuilderError(f"{place.parent}: the snapshot cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def hidden(place: Path) -> Path:
    """A name for half a snapshot, e.g. `.0c3e9a71b2d4-4711-9f3a2b1c`. It tells the process that makes it."""
    return place.with_name(f".{place.name[:12]}-{os.getpid()}-{secrets.token_hex(4)}")


def abandoned(store: Path) -> list[Path]:
    """The half snapshots whose process is gone."""
    return sorted(path for path in store.glob(".*-*-*") if not is_alive(path.name.split("-")[-2]))


def rename_unless_there(scratch: Path, place: Path) -> None:
    """Give the copy its name, unless another run has just made the same snapshot."""
    try:
        scratch.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def directories(found: list[SourceEntry]) -> list[str]:
    """Every directory of the snapshot, parents first, with the empty ones that the run writes to."""
    names = {"", *OWN}
    for entry in found:
        parent = entry.path.rpartition("/")[0]
        while parent not in names:
            names.add(parent)
            parent = parent.rpartition("/")[0]
    return sorted(names)


def copied(source: Path, scratch: Path, entry: SourceEntry) -> bytes:
    """Copy a link or a file. Any user of an image can read the copy. Returns the hash of the content."""
    target = f"{scratch}/{entry.path}"
    if entry.link is not None:
        os.symlink(entry.link, target)  # noqa: PTH211 (a path object for each of 100 000 files costs seconds)
        return hashlib.sha256(os.fsencode(entry.link)).digest()
    total = hashlib.sha256()
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for piece in pieces(f"{source}/{entry.path}"):
            total.update(piece)
            if os.write(file, piece) != len(piece):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fchmod(file, 0o755 if entry.executable else 0o644)
    finally:
        os.close(file)
    return total.digest()
