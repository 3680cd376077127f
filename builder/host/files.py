"""Files that people name: those they asked for are written whole or not at all, others can be read or are not."""

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path
from typing import Literal

from builder.errors import BuilderError

Kind = Literal["file", "directory"]


def write_whole(file: Path, text: str) -> None:
    """Replace the file's content at once, so that nobody reads a part of it; raises BuilderError."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.write_text(text, "utf-8")
            scratch.replace(file)
        finally:
            with contextlib.suppress(OSError):
                scratch.unlink()
    except OSError as error:
        raise BuilderError(
            f"{file}: cannot be written: {error.strerror}", hint=f"ls -ld {file.parent}; df -h"
        ) from None


def remove(path: Path) -> None:
    """Remove a directory, or what is in its place; raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` filled in; a `~name` that is no user stays, where Path's own method raises RuntimeError."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def unreadable(path: Path, kind: Kind) -> str:
    """Why that is no file or directory which this user can read, such as `Permission denied`; empty when it is one."""
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
