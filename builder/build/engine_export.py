"""The blobs of an engine's image: from its store where this process may read it, else as the engine streams them.

The stream is an OCI layout in a tar, which is never stored. Reading the store takes a fraction of the time, and gives
the manifest first. What is read is checked against its digest either way.
`docker image save` gives the very blobs of the containerd store, so no digest changes:
https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageGet
"""

import io
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from builder.errors import EngineError
from builder.host import engine
from builder.host.limits import MANIFEST_BYTES
from builder.matrix.regular_file import read_bytes
from builder.registry.descriptors import listed, parts
from builder.registry.manifests import parsed

if TYPE_CHECKING:
    import docker
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20
DEEPEST = 4
"""Levels of indexes that are followed."""
BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedBlob:
    """One blob of the image; reading it raises EngineError when the engine breaks off."""

    digest: str
    size: int
    chunks: Callable[[], Iterator[bytes]]
    lasts: bool = False
    """Whether it can be read at any time and again. If not, it is read once, before the next blob is asked for."""


STORE = "containerd/daemon/io.containerd.content.v1.content/blobs/sha256"
"""The directory of an engine's blobs, below its root: https://docs.docker.com/engine/storage/containerd/."""
CONFIGURATIONS = "image/{Driver}/imagedb/content/sha256"
"""The directory of the configurations in a classic store, below the engine's root."""


@contextmanager
def exported(client: "docker.DockerClient", digest: str) -> Iterator[Iterator[ExportedBlob]]:
    """The blobs of an image and its manifests, in any order; leaving the block ends the export."""
    if directory := store(client, digest):
        yield kept(directory, digest)
        return
    with streamed(client, digest) as found:
        yield found


def configuration(client: "docker.DockerClient", digest: str) -> bytes:
    """The configuration that a classic store keeps under this digest; raises EngineError."""
    if directory := readable(client, CONFIGURATIONS, digest):
        return b"".join(content(directory / digest.removeprefix("sha256:"), digest))
    with streamed(client, digest) as found:
        for blob in found:
            if blob.digest == digest:
                return b"".join(blob.chunks())
    raise EngineError(f"{digest}: the engine's export holds no such configuration", hint="Docker 25 or newer has it")


def store(client: "docker.DockerClient", digest: str) -> Path | None:
    """The directory of the engine's blobs, or None when it is on another machine or unreadable."""
    return readable(client, STORE, digest)


def readable(client: "docker.DockerClient", place: str, digest: str) -> Path | None:
    """That directory below the engine's root, if it has this digest, and this process may read it."""
    if not str(client.api.base_url).startswith("http+docker://"):
        return None
    info = client.info()
    directory = Path(str(info.get("DockerRootDir") or "/nonexistent")) / place.format(**info)
    return directory if os.access(directory / digest.removeprefix("sha256:"), os.R_OK) else None


def kept(directory: Path, digest: str, *, is_manifest: bool = True, depth: int = 0) -> Iterator[ExportedBlob]:
    """A blob of the store, and all that a manifest names; blobs that the engine lacks are left out.

    Raises RegistryError for a manifest that is none.
    """
    path = directory / digest.removeprefix("sha256:")
    if not path.is_file():
        return
    yield ExportedBlob(digest=digest, size=path.stat().st_size, chunks=partial(content, path, digest), lasts=True)
    if is_manifest and depth <= DEEPEST:
        document = parsed(read_bytes(path, MANIFEST_BYTES), digest)
        inner = listed(document, "manifests", digest)
        for one in parts(document, digest):
            yield from kept(directory, one.digest, is_manifest=one in inner, depth=depth + 1)


def content(source: Path | IO[bytes], digest: str) -> Iterator[bytes]:
    """The content of a blob in pieces; raises EngineError when it breaks off."""
    with engine_errors(digest), source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        while chunk := file.read(CHUNK):
            yield chunk


@contextmanager
def streamed(client: "docker.DockerClient", digest: str) -> Iterator[Iterator[ExportedBlob]]:
    """The blobs of an image in the order of their digests, as the engine streams them."""
    if engine.inspect(client, digest) is None:
        raise EngineError(f"{digest}: no such image on this engine", hint="python -m builder build")
    chunks = client.api.get_image(digest, chunk_size=CHUNK)
    with engine_errors(digest):
        archive = tarfile.open(fileobj=io.BufferedReader(Stream(chunks), CHUNK), mode="r|", bufsize=CHUNK)  # noqa: SIM115 (closed below)
    try:
        yield blobs(archive, digest)
    finally:
        archive.close()
        chunks.close()


def blobs(archive: tarfile.TarFile, digest: str) -> Iterator[ExportedBlob]:
    while True:
        with engine_errors(digest):
            entry = archive.next()
            file = archive.extractfile(entry) if entry and entry.isfile() else None
        if entry is None:
            return
        if file and (match := BLOB.fullmatch(entry.name)):
            name = f"sha256:{match[1]}"
            yield ExportedBlob(digest=name, size=entry.size, chunks=partial(content, file, name))


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turns the errors of the stream into an EngineError."""
    import requests
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, requests.exceptions.RequestException, tarfile.TarError, OSError) as error:
        raise EngineError(
            f"Docker: the export of {what} broke off: {engine.reason(error)}", hint=engine.DOCTOR
        ) from None


class Stream(io.RawIOBase):
    """Makes chunks a file that tarfile can read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self.source = iter(chunks)
        self.rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """The bytes that were put into the buffer; none at the end."""
        if not self.rest:
            self.rest = memoryview(next(self.source, b""))
        target = memoryview(buffer).cast("B")
        size = min(len(target), len(self.rest))
        target[:size] = self.rest[:size]
        self.rest = self.rest[size:]
        return size
