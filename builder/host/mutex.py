"""One builder at a time for each image on this machine: a file that stays locked until the tags are set."""

import fcntl
import hashlib
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutex:
    """The right to build and tag an image, until it is released or the process ends."""

    file: TextIO

    def release(self) -> None:
        self.file.close()


def acquire(directory: Path, name: str) -> Mutex | str:
    """The lock of that name, or who holds it; never waits. Without a place to write, says so and excludes nobody."""
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
