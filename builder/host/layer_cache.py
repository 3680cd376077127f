"""The layers that this host has packed: an OCI layout's blobs, each under its digest and hashed again at each use.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md. A record names the blob of a layer, by the
digest of its content, or by the key of what it was made from.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.errors import EngineError
from builder.host import mutex
from builder.host.cache import OTHER_CACHE, cache_directory, ignore, keep, known, say
from builder.host.files import remove, sha256_of
from builder.host.limits import LAYER_CACHE_BYTES, LAYER_CACHE_SECONDS

TEMPORARY = ".new-"


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
    return cache_directory() / "layout"


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
    found = known(record(key), layers)
    return found if found and all(is_whole(one.digest) for one in found) else None


def layers(content: Mapping[str, Any]) -> tuple[PackedLayer, ...]:
    """The layers in a record; raises an error of the shape."""
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
    keep(record(key), {"layers": [asdict(one) for one in found]}, "the layer will be packed again next time")


@contextmanager
def new_blobs() -> Iterator[Path]:
    """A directory for blobs that get their names when they are whole."""
    directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=directory()) as place:
        yield Path(place)


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
def written() -> Iterator[None]:
    """The right to write to the cache, for the block, without what killed writers left there.

    An error of its disk becomes an EngineError.
    """

    def waiting(holder: str) -> None:
        if holder != f"process {os.getpid()}":
            say(f"{holder} packs layers; waiting")

    try:
        # Beside the blobs, as hosts may share their directory.
        with mutex.held(root() / "locks", "layout", waiting):
            for left in directory().glob(f"{TEMPORARY}*"):
                remove(left)
            yield
    except OSError as error:
        where = error.filename or directory()
        raise EngineError(f"{where}: {error.strerror}, and layers are packed there", hint=OTHER_CACHE) from None


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


def drop() -> None:
    """Removes everything, while nobody packs; raises EngineError."""
    with written():
        for place in (directory(), record("").parent):
            if place.exists():
                remove(place)
