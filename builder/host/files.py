"""Files that people name: how they are replaced at once, expanded, removed, and whether they can be read."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from builder.errors import BuilderError

Kind = Literal["file", "directory"]


@contextmanager
def replacing(file: Path, *, exclusive: bool = False) -> Iterator[Path]:
    """A sibling to write to. It gets the file's name when the block ends, and is removed after an error.

    So readers see the old content or the new, and never a part. Raises OSError, and with `exclusive` a
    FileExistsError when the file exists.
    """
    sibling = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        yield sibling
        if exclusive:
            os.link(sibling, file)
        else:
            sibling.replace(file)
    finally:
        with suppress(OSError):
            sibling.unlink()


def replace_text(file: Path, text: str) -> None:
    """Give the file that content at once, and make its directory where there is none; raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as sibling:
        sibling.write_text(text, "utf-8")


def write_whole(file: Path, text: str) -> None:
    """Give a file that a person asked for its content at once; raises BuilderError."""
    try:
        replace_text(file, text)
    except OSError as error:
        raise BuilderError(
            f"{file}: cannot be written: {error.strerror}", hint=f"ls -ld {file.parent}; df -h"
        ) from None


def remove(path: Path) -> None:
    """Remove a directory, or the file in its place; raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def sha256_of(file: Path) -> str:
    """The sha256 of the file's content; raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` filled in. `~name` stays when there is no such user, where Path.expanduser raises an error."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def unreadable(path: Path, kind: Kind) -> str:
    """Why this user cannot read the path, e.g. `Permission denied`; empty when it is readable."""
    try:
        if kind == "directory":
            os.scandir(path).close()
        elif path.is_file():  # what else there is may wait for a writer for ever
            path.open("rb").close()
        else:
            return f"not a {kind}" if path.exists() else os.strerror(errno.ENOENT)
    except OSError as error:
        return str(error.strerror)
    except ValueError as error:
        return str(error)
    return ""


def link(file: Path, target: Path) -> None:
    """Make the target a hard link of the file, or a copy where the two are on different disks; raises BuilderError."""
    try:
        try:
            target.hardlink_to(file)
        except OSError:
            shutil.copy2(file, target)
    except OSError as error:
        hint = "a directory for temporary files on the disk of the wheels takes no space: TMPDIR=DIR"
        raise BuilderError(f"{error.filename or target}: {error.strerror}", hint=hint) from None
