"""Writes a layer as a blob: tar, hashes and compression in one pass, so that large files are read once."""

import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zstandard

LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
LEVEL = 3
Fill = Callable[[tarfile.TarFile], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A compressed layer on disk: the digest of the file and its size in bytes."""

    path: Path
    digest: str
    size: int
    diff: str
    """The digest of the tar before compression."""
    media_type: str = LAYER


class Hashing:
    """A file to write to that counts and hashes the bytes it passes on to `target`."""

    def __init__(self, target: IO[bytes]) -> None:
        self.target = target
        self.total = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.total.update(data)
        self.size += len(data)
        self.target.write(data)
        return len(data)

    def flush(self) -> None:
        self.target.flush()

    @property
    def digest(self) -> str:
        return f"sha256:{self.total.hexdigest()}"


def pack(path: Path, fill: Fill) -> Blob:
    """Writes the files that `fill` adds to a tar, compressed with zstd, to `path`."""
    with path.open("wb") as file:
        packed = Hashing(file)
        # One thread, as the output of several threads may differ from machine to machine.
        with zstandard.ZstdCompressor(level=LEVEL).stream_writer(packed, closefd=False) as squeezed:  # type: ignore[arg-type]
            plain = Hashing(squeezed)
            with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
                fill(tar)
    return Blob(path=path, digest=packed.digest, size=packed.size, diff=plain.digest)
