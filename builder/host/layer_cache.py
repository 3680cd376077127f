"""The layers that this host has packed: an OCI layout's blobs, each under its digest and hashed again at each use.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md. A record names the blob of a layer, by the
digest of its content, or by the key of what it was made from.
"""

import os
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.errors import EngineError
from builder.host import mutex
from builder.host.cache import OTHER_CACHE, cache_directory, checksum, ignore, keep, known, room, say
from builder.host.files import remove, sha256_of
from builder.host.limits import LAYER_CACHE_BYTES, LAYER_CACHE_SECONDS
from builder.host.temporary import is_alive, name_space

TEMPORARY = ".new-"
HERE = f"{name_space()}-{socket.gethostname()}-"
"""What tells the processes of this host from those of others with the same number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedLayer:
    """A compressed layer in the cache: the digest of the blob, its size in bytes, and the digest of what is in it."""

    digest: str
    size: int
    diff: str
    title: str = ""
    """What it holds, for people."""
    compression: str = "zstd"


def root() -> Path:
    return room(cache_directory() / "layout")


def directory() -> Path:
    """Where the blobs are, each under its digest."""
    return root() / "blobs/sha256"


def blob(digest: str) -> Path:
    return directory() / digest.removeprefix("sha256:")


def record(key: str) -> Path:
    """Where it stands which layers have this content, or were made from what has this key."""
    return root() / "layers" / f"{key.removeprefix('sha256:')}.json"


def remembered(key: str) -> tuple[PackedLayer, ...] | None:
    """The layers of that key, when the cache has each of them whole."""
    found = known(record(key), lambda content: layers(content, key))
    return found if found and all(is_whole(one.digest) for one in found) else None


def layers(content: Mapping[str, Any], key: str) -> tuple[PackedLayer, ...]:
    """The layers in the record of that key; raises an error of the shape, and ValueError for one that was edited."""
    if content["sha256"] != checksum(content["layers"], key):
        raise ValueError("it is not as it was written")
    return tuple(
        PackedLayer(
            digest=str(one["digest"]),
            size=int(one["size"]),
            diff=str(one["diff"]),
            title=str(one["title"]),
            compression=str(one["compression"]),
        )
        for one in content["layers"]
    )


def remember(key: str, found: tuple[PackedLayer, ...]) -> None:
    content = [asdict(one) for one in found]
    sha256 = checksum(content, key)
    keep(record(key), {"layers": content, "sha256": sha256}, "the layer will be packed again next time")


@contextmanager
def new_blobs() -> Iterator[Path]:
    """A directory for blobs that get their names when they are whole."""
    with told(), ExitStack() as stack:
        directory().mkdir(parents=True, exist_ok=True)
        prefix = f"{TEMPORARY}{os.getpid()}-{HERE}"
        yield Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, dir=directory())))


@contextmanager
def told() -> Iterator[None]:
    """Turns the error of the cache's disk into an EngineError."""
    try:
        yield
    except OSError as error:
        where = error.filename or directory()
        raise EngineError(f"{where}: {error.strerror}, and layers are packed there", hint=OTHER_CACHE) from None


def stored(file: Path, layer: PackedLayer) -> PackedLayer:
    """Gives a new blob its name in the cache; returns the layer."""
    file.replace(blob(layer.digest))
    return layer


def is_whole(digest: str) -> bool:
    """Whether the cache has the blob, which then counts as used. One with other content is said, and removed."""
    file = blob(digest)
    try:
        if sha256_of(file) == digest.removeprefix("sha256:"):
            os.utime(file)
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        ignore(file, str(error.strerror))
        return False
    ignore(file, "its sha256 is another one; it is removed")
    with suppress(OSError):
        file.unlink()
    return False


@contextmanager
def written(*names: str) -> Iterator[None]:
    """The right to write what has these names, such as keys, for the block; without what killed writers left.

    An error of the disk becomes an EngineError.
    """
    with told(), ExitStack() as stack:
        # Beside the blobs, as hosts may share their directory; in one order, so that no two wait for each other.
        for name in sorted(set(names)):
            stack.enter_context(mutex.held(root() / "locks", name, waiting))
        sweep()
        yield


def waiting(holder: str) -> None:
    if holder != f"process {os.getpid()}":
        say(f"{holder} makes the same layers; waiting")


def sweep() -> None:
    """Removes what killed writers of this host left."""
    for left in directory().glob(f"{TEMPORARY}*"):
        process, _, place = left.name.removeprefix(TEMPORARY).partition("-")
        if place.startswith(HERE) and not is_alive(process):
            remove(left)


def trim(most_bytes: int = LAYER_CACHE_BYTES, seconds: float = LAYER_CACHE_SECONDS) -> None:
    """Removes the blobs that nothing has used for so long, and then the longest unused beyond so many bytes."""
    found = sorted(
        ((one.stat(), one) for one in directory().iterdir() if one.is_file()), key=lambda at: -at[0].st_mtime
    )
    total, oldest = 0, time.time() - seconds
    for status, file in found:
        total += status.st_size
        if total > most_bytes or status.st_mtime < oldest:
            file.unlink(missing_ok=True)


def size() -> int:
    """The bytes of all blobs."""
    return sum(one.stat().st_size for one in directory().glob("*") if one.is_file())


def drop() -> None:
    """Removes every layer and record; raises EngineError. What is being written stays, and gets its name."""
    with written():
        for place in (directory(), record("").parent):
            for file in place.glob("*"):
                if file.is_file():
                    file.unlink(missing_ok=True)
