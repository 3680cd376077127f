"""One hash over the content of a directory; the files are read again only when one has changed."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from builder.host.cache import cache_directory, keep, known

BYTE_CODE = ".pyc"


def tree_hash(directory: Path) -> str:
    """A sha256 over names, modes and contents. Byte code is left out, as any use of a Python writes it.

    The cache keeps it until the times, the size, the mode or the inode of a file change. Raises OSError.
    """
    file = cache_directory() / "trees" / f"{hashlib.sha256(bytes(directory.absolute())).hexdigest()[:16]}.json"
    state = states(directory)
    if before := known(file, lambda content: str(content["sha256"]) if content["state"] == state else None):
        return before
    total = contents(directory)
    keep(file, {"state": state, "sha256": total}, f"{directory} will be read again next time")
    return total


def states(directory: Path) -> str:
    """A hash over the state of each file: mode, size, times and inode."""
    return hashlib.sha256("\n".join(sorted(lines(os.fspath(directory)))).encode("utf-8", "surrogateescape")).hexdigest()


def lines(directory: str) -> Iterator[str]:
    """A line for each file below the directory."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from lines(entry.path)
            elif not entry.name.endswith(BYTE_CODE):
                found = entry.stat(follow_symlinks=False)
                state = (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
                yield f"{entry.path} {state}"


def contents(directory: Path) -> str:
    """The hash over names, modes and contents, read from the disk."""
    total = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.suffix == BYTE_CODE or path.is_dir():
            continue
        line = (
            f"{path.relative_to(directory)} {path.lstat().st_mode:o} {hashlib.sha256(content_of(path)).hexdigest()}\n"
        )
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def content_of(path: Path) -> bytes:
    """A link's target, or a file's bytes. A pipe counts as empty: reading it would wait for ever."""
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else b""
