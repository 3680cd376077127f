"""One process at a time on this machine: a lock file, held until it is released or its process ends."""

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutex:
    """A lock that is held, until it is released or the process ends."""

    file: TextIO

    def release(self) -> None:
        self.file.close()


def acquire(directory: Path, name: str) -> Mutex | str:
    """The lock of that name, or who holds it; never waits. An unwritable directory is said, and nothing is locked."""
    path = directory / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8", errors="replace")
    except OSError as error:
        print(f"{path}: {error.strerror}: nothing keeps another builder from {name}", file=sys.stderr)
        return Mutex(file=Path(os.devnull).open("a+", encoding="utf-8"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        return holder or "another builder"
    with suppress(OSError):  # on a full disk nobody learns who holds it
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
    return Mutex(file=file)


@contextmanager
def held(directory: Path, name: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock of that name for the block. When another has it, `waiting` is told who, once."""
    lock = acquire(directory, name)
    if isinstance(lock, str):
        waiting(lock)
    while isinstance(lock, str):
        time.sleep(WAIT_SECONDS)
        lock = acquire(directory, name)
    try:
        yield
    finally:
        lock.release()
