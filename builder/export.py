"""The content of an engine's image as the engine streams it: an OCI layout in a tar that is never stored.

`docker image save` hands out the very blobs of the containerd store, so that no digest changes:
https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageGet
"""

import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from builder import engine
from builder.errors import EngineError

if TYPE_CHECKING:
    import docker
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20
BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One blob of the image; its content can be read once, and before the next blob is asked for."""

    digest: str
    size: int
    file: IO[bytes]

    def chunks(self) -> Iterator[bytes]:
        """The content; raises EngineError when the engine breaks off."""
        with engine_errors(self.digest):
            while chunk := self.file.read(CHUNK):
                yield chunk


@contextmanager
def exported(client: "docker.DockerClient", digest: str) -> Iterator[Iterator[Blob]]:
    """The blobs of an image in the order of their digests, manifests among them; leaving the block ends the export."""
    from docker.errors import ImageNotFound

    try:
        chunks = client.api.get_image(digest, chunk_size=CHUNK)
    except ImageNotFound:
        raise EngineError(f"{digest}: no such image on this engine", hint="python -m builder build") from None
    with engine_errors(digest):
        archive = tarfile.open(fileobj=io.BufferedReader(Stream(chunks), CHUNK), mode="r|", bufsize=CHUNK)  # noqa: SIM115 (closed below)
    try:
        yield blobs(archive, digest)
    finally:
        archive.close()
        chunks.close()


def blobs(archive: tarfile.TarFile, digest: str) -> Iterator[Blob]:
    while True:
        with engine_errors(digest):
            entry = archive.next()
            file = archive.extractfile(entry) if entry and entry.isfile() else None
        if entry is None:
            return
        if file and (match := BLOB.fullmatch(entry.name)):
            yield Blob(digest=f"sha256:{match[1]}", size=entry.size, file=file)


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Errors of the stream as an EngineError."""
    import requests
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, requests.exceptions.RequestException, tarfile.TarError, EOFError) as error:
        raise EngineError(
            f"Docker: the export of {what} broke off: {engine.reason(error)}", hint=engine.DOCTOR
        ) from None


class Stream(io.RawIOBase):
    """Chunks as a file that tarfile reads."""

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
