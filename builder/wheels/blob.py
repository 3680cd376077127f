"""Writes layers as blobs: tar, hashes and compression in one pass, so that large files are read once."""

import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

import zstandard

from builder.host.layer_cache import PackedLayer
from builder.wheels import Compression

LEVELS: Mapping[Compression, int] = {"zstd": 3, "gzip": 6}
GZIP_WINDOW = 31
"""The largest window, with the header of gzip, which zlib writes without a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A compressed layer on disk: the digest of the file and its size in bytes."""

    path: Path
    digest: str
    size: int
    diff: str
    """The digest of the tar before compression."""
    compression: Compression = "zstd"

    @property
    def layer(self) -> PackedLayer:
        return PackedLayer(digest=self.digest, size=self.size, diff=self.diff, compression=self.compression)


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


class Sink(Protocol):
    """Where the files of wheels go: `directories` are those that it has already."""

    directories: set[str]

    def add(self, entry: tarfile.TarInfo, content: Iterable[bytes] = ()) -> None:
        """Takes an entry and its content, as much as `entry.size` says."""


@dataclass(slots=True, kw_only=True)
class Nowhere:
    """A sink for who only wants to know which files there are."""

    directories: set[str] = field(default_factory=set)

    def add(self, entry: tarfile.TarInfo, content: Iterable[bytes] = ()) -> None:
        """Takes nothing."""


@dataclass(slots=True, kw_only=True)
class Tar:
    """The tar of a blob that is being written, and the directories that it has already."""

    path: Path
    compression: Compression
    packed: Hashing
    plain: Hashing
    directories: set[str] = field(default_factory=set)

    def add(self, entry: tarfile.TarInfo, content: Iterable[bytes] = ()) -> None:
        """Writes an entry and its content, as much as `entry.size` says."""
        self.plain.write(entry.tobuf(tarfile.PAX_FORMAT))
        for piece in content:
            self.plain.write(piece)
        self.plain.write(b"\0" * (-entry.size % tarfile.BLOCKSIZE))

    @property
    def blob(self) -> Blob:
        """The blob, once the tar is closed."""
        return Blob(
            path=self.path,
            digest=self.packed.digest,
            size=self.packed.size,
            diff=self.plain.digest,
            compression=self.compression,
        )


class Gzip:
    """A file to write to that compresses with gzip, and passes the result on to `target`."""

    def __init__(self, target: Hashing) -> None:
        self.target = target
        self.packer = zlib.compressobj(LEVELS["gzip"], zlib.DEFLATED, GZIP_WINDOW)

    def write(self, data: bytes) -> int:
        self.target.write(self.packer.compress(data))
        return len(data)

    def flush(self) -> None:
        """Nothing: what is held back comes when the file is closed."""


@contextmanager
def compressing(target: Hashing, compression: Compression) -> Iterator[IO[bytes]]:
    """A file that compresses into the target. One thread, as several may give other bytes on another machine."""
    if compression == "zstd":
        with zstandard.ZstdCompressor(level=LEVELS["zstd"]).stream_writer(target, closefd=False) as squeezed:  # type: ignore[arg-type]
            yield squeezed
        return
    packer = Gzip(target)
    yield cast("IO[bytes]", packer)
    target.write(packer.packer.flush())


@contextmanager
def packing(path: Path, compression: Compression) -> Iterator[Tar]:
    """The tar of a blob at `path`, which is whole when the block has ended."""
    with path.open("wb") as file:
        packed = Hashing(file)
        with compressing(packed, compression) as squeezed:
            tar = Tar(path=path, compression=compression, packed=packed, plain=Hashing(squeezed))
            yield tar
            tar.plain.write(b"\0" * tarfile.BLOCKSIZE * 2)


def pack(paths: Sequence[Path], fill: Callable[[Sequence[Tar]], None], compression: Compression = "zstd") -> list[Blob]:
    """Writes the files that `fill` adds to tars, compressed, one at each path."""
    with ExitStack() as stack:
        found = [stack.enter_context(packing(path, compression)) for path in paths]
        fill(found)
    return [one.blob for one in found]
