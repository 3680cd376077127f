"""Writes layers as blobs: tar, hashes and compression in one pass, so that large files are read once."""

import hashlib
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import zstandard

from builder.host.layer_cache import PackedLayer

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

    @property
    def layer(self) -> PackedLayer:
        return PackedLayer(digest=self.digest, size=self.size, diff=self.diff)


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


@dataclass(slots=True, kw_only=True)
class Packing:
    """A blob that is being written by way of its tar."""

    path: Path
    tar: tarfile.TarFile = field(init=False)
    packed: Hashing = field(init=False)
    plain: Hashing = field(init=False)

    def blob(self) -> Blob:
        """The blob, once the tar is closed."""
        return Blob(path=self.path, digest=self.packed.digest, size=self.packed.size, diff=self.plain.digest)


@contextmanager
def packing(path: Path) -> Iterator[Packing]:
    """The blob at `path` with its open tar; it is whole when the block has ended."""
    found = Packing(path=path)
    with path.open("wb") as file:
        found.packed = Hashing(file)
        # One thread, as the output of several threads may differ from machine to machine.
        with zstandard.ZstdCompressor(level=LEVEL).stream_writer(found.packed, closefd=False) as squeezed:  # type: ignore[arg-type]
            found.plain = Hashing(squeezed)
            with tarfile.open(fileobj=found.plain, mode="w|", format=tarfile.PAX_FORMAT) as found.tar:  # type: ignore[call-overload]
                yield found


def pack(path: Path, fill: Fill) -> Blob:
    """Writes the files that `fill` adds to a tar, compressed with zstd, to `path`."""
    with packing(path) as found:
        fill(found.tar)
    return found.blob()


def pack_several(paths: Sequence[Path], fill: Callable[[Sequence[tarfile.TarFile]], None]) -> list[Packing]:
    """The same with several blobs at once, one at each path."""
    with ExitStack() as stack:
        found = [stack.enter_context(packing(path)) for path in paths]
        fill([one.tar for one in found])
    return found
