"""A copy of the source directory that no one changes: stored under the hash of its content, so once.

The rules of what belongs to it are the documented ones: `.amlignore` of the top directory if it exists, else its
`.gitignore`, never both; patterns as git reads them.
"""

import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import BuilderError, InputError
from builder.scratch import is_alive
from builder.training.plan import Snapshot
from builder.training.sizes import shown

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".amlignore", ".gitignore")
OWN = ("outputs", "logs")
"""What the run writes: the directories are there, and empty."""
NEVER = ".git"
STORE = "snapshots"
"""Beside the runs: where their snapshots are."""
LIMIT = 300 * 1024**2
"""The documented limit of a snapshot, in bytes."""
SHOWN = 10
PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, or a link that stays inside, relative to the source."""

    path: str
    size: int = 0
    executable: bool = False
    link: str | None = None


def take(source: Path, store: Path, *, limit: int = LIMIT, skip: tuple[Path, ...] = ()) -> Snapshot:
    """The snapshot of a directory, copied unless the store has it; raises InputError, with everything that is wrong."""
    found = entries(source, skip)
    size = sum(entry.size for entry in found)
    if size > limit:
        raise too_large(source, found, size, limit)
    return stored(source, found, size, store)


def entries(source: Path, skip: tuple[Path, ...] = ()) -> list[Entry]:
    """What belongs to the snapshot, sorted by path; raises InputError for what cannot be copied."""
    problems: list[str] = []
    found = sorted(walk(source, spec_of(source), frozenset(skip), problems), key=lambda entry: os.fsencode(entry.path))
    if problems:
        raise InputError(
            problems[:SHOWN] + ([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []),
            hint="name it in .amlignore, and pass data with --input NAME=PATH",
        )
    return found


def spec_of(source: Path) -> "GitIgnoreSpec | None":
    """The patterns of the one ignore file that counts, or None."""
    file = next((source / name for name in IGNORE_FILES if (source / name).is_file()), None)
    if file is None:
        return None
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(file.read_text("utf-8", errors="surrogateescape").splitlines())
    except ValueError as error:
        raise InputError(f"{file}: {error}") from None


def walk(source: Path, spec: "GitIgnoreSpec | None", skip: frozenset[Path], problems: list[str]) -> Iterator[Entry]:
    """Every file and link that is not ignored; an ignored directory is not entered, as git does not."""
    pending = [""]
    while pending:
        below = pending.pop()
        for item in listed(source / below, problems):
            path = f"{below}{item.name}"
            is_directory = item.is_dir(follow_symlinks=False)
            if is_left_out(path, item, spec, skip, is_directory=is_directory):
                continue
            if is_directory:
                pending.append(f"{path}/")
            elif entry := entry_of(source, path, item, problems):
                yield entry


def listed(directory: Path, problems: list[str]) -> list["os.DirEntry[str]"]:
    """What a directory holds."""
    try:
        with os.scandir(directory) as items:
            return list(items)
    except OSError as error:
        problems.append(f"{directory}: {error.strerror}")
        return []


def is_left_out(
    path: str, item: "os.DirEntry[str]", spec: "GitIgnoreSpec | None", skip: frozenset[Path], *, is_directory: bool
) -> bool:
    """Whether an entry is git's own, the run's own, an earlier run, or ignored."""
    if item.name == NEVER or path in OWN or (skip and is_directory and Path(item.path).resolve() in skip):
        return True
    return spec is not None and spec.match_file(f"{path}/" if is_directory else path)


def entry_of(source: Path, path: str, item: "os.DirEntry[str]", problems: list[str]) -> Entry | None:
    """A file or a link as an entry; None, and a problem, when it cannot be part of a snapshot."""
    if item.is_symlink():
        return link_of(source, path, problems)
    try:
        status = item.stat(follow_symlinks=False)
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return None
    if not stat.S_ISREG(status.st_mode):
        problems.append(f"{path}: neither a file nor a directory")
        return None
    return Entry(path=path, size=status.st_size, executable=bool(status.st_mode & stat.S_IXUSR))


def link_of(source: Path, path: str, problems: list[str]) -> Entry | None:
    """A link that stays inside the directory, made relative; one that leaves it would be broken in the container."""
    link = source / path
    text = str(link.readlink())
    target = os.path.normpath(link.parent.resolve() / text)
    if not link.resolve().is_relative_to(source) or not Path(target).is_relative_to(source):
        problems.append(f"{path}: a link to {text}, outside the source directory")
        return None
    return Entry(path=path, link=os.path.relpath(target, link.parent.resolve()))


def too_large(source: Path, found: list[Entry], size: int, limit: int) -> InputError:
    """The refusal, with the files that make up most of it."""
    biggest = sorted(found, key=lambda entry: -entry.size)[:SHOWN]
    lines = [f"{shown(entry.size):>10}  {entry.path}" for entry in biggest]
    return InputError(
        f"{source}: {shown(size)} in {len(found)} files, and a snapshot may have {shown(limit)}; the biggest:\n"
        + "\n".join(lines),
        hint="name what the script does not need in .amlignore; pass data with --input NAME=PATH",
    )


def stored(source: Path, found: list[Entry], size: int, store: Path) -> Snapshot:
    """The snapshot in the store: hashed first, because most runs repeat a known source."""
    digest = digest_of(found, partial(read, source))
    place = store / digest
    if not place.is_dir():
        fill(source, found, place)
    return Snapshot(sha256=digest, files=len(found), size=size, path=str(place))


def digest_of(found: list[Entry], content: Callable[[Entry], bytes]) -> str:
    """The sha256 over paths, kinds and contents; times and owners do not count."""
    total = hashlib.sha256()
    for entry in found:
        kind = b"link" if entry.link is not None else b"x" if entry.executable else b"-"
        total.update(b"%s %s\0%s\0" % (kind, os.fsencode(entry.path), content(entry)))
    return total.hexdigest()


def read(source: Path, entry: Entry) -> bytes:
    """The hash of what an entry holds."""
    if entry.link is not None:
        return hashlib.sha256(os.fsencode(entry.link)).digest()
    total = hashlib.sha256()
    for piece in pieces(f"{source}/{entry.path}"):
        total.update(piece)
    return total.digest()


def pieces(path: str) -> Iterator[bytes]:
    """The bytes of a file, which is opened no other way: a snapshot may have 100 000 of them. Raises InputError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            while piece := os.read(file, PIECE):
                yield piece
        finally:
            os.close(file)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def fill(source: Path, found: list[Entry], place: Path) -> None:
    """Copy into a directory beside the place, then give it its name: whole and as it was hashed, or absent."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = hidden(place)
    try:
        for directory in directories(found):
            (scratch / directory).mkdir()
            (scratch / directory).chmod(0o755)
        if digest_of(found, partial(copied, source, scratch)) != place.name:
            raise InputError(f"{source}: its files change while they are copied", hint="wait for what writes there")
        named(scratch, place)
    except OSError as error:
        raise BuilderError(f"{place.parent}: the snapshot cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def hidden(place: Path) -> Path:
    """A name beside a snapshot's for what is not whole: no run finds it, and it says whose process makes it."""
    return place.with_name(f".{place.name[:12]}-{os.getpid()}-{secrets.token_hex(4)}")


def abandoned(store: Path) -> list[Path]:
    """The directories of such names whose process is gone."""
    return sorted(path for path in store.glob(".*-*-*") if not is_alive(path.name.split("-")[-2]))


def named(scratch: Path, place: Path) -> None:
    """Give the copy its name, unless another run just did."""
    try:
        scratch.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def directories(found: list[Entry]) -> list[str]:
    """Every directory of the snapshot, parents first; those of the run's own files are empty."""
    names = {"", *OWN}
    for entry in found:
        parent = entry.path.rpartition("/")[0]
        while parent not in names:
            names.add(parent)
            parent = parent.rpartition("/")[0]
    return sorted(names)


def copied(source: Path, scratch: Path, entry: Entry) -> bytes:
    """Copy one link, or one file so that whatever user the image has can read it; returns the hash of it."""
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
