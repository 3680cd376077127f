"""Temporary directories that name the process they belong to, so that `clean` finds what a killed one left."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "framework-images-"


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory that only this user can read, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as directory:
        yield Path(directory)


def abandoned() -> list[Path]:
    """The directories whose process is gone."""
    found = Path(tempfile.gettempdir()).glob(f"{PREFIX}[0-9]*-*")
    return sorted(path for path in found if path.is_dir() and not is_alive(owner(path)))


def owner(directory: Path) -> str:
    """The process that made a directory, as text."""
    return directory.name.removeprefix(PREFIX).partition("-")[0]


def is_alive(process: str) -> bool:
    """Whether that process runs; one that cannot be judged counts as alive."""
    if not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
