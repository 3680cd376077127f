"""Blobs of a registry: their sizes, downloads, uploads by streaming, and mounts from another repository.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from builder.errors import RegistryError, UnavailableError
from builder.host.limits import LEAST_RATE, SILENT_SECONDS
from builder.registry.answers import address, whole
from builder.registry.connection import ask, moving, once, repeated
from builder.registry.manifests import MISSING, digest_of, pull, push
from builder.registry.session import Connection

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 20
Chunks = Callable[[], Iterable[bytes]]
"""Returns the content of a blob from its beginning, at each call."""
Count = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A blob as requests sends it; its digest is checked while it is read."""

    digest: str
    size: int
    chunks: Chunks
    count: Count

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        """The content; raises RegistryError before the last byte when the digest is another."""
        found, size, began = hashlib.sha256(), 0, time.monotonic()
        for chunk in self.chunks():
            if time.monotonic() - began > SILENT_SECONDS + size / LEAST_RATE:
                raise UnavailableError(f"{self.digest}: the registry takes it too slowly")
            found.update(chunk)
            size += len(chunk)
            is_last = size >= self.size
            if size > self.size or (is_last and f"sha256:{found.hexdigest()}" != self.digest):
                raise RegistryError(f"{self.digest}: its content has another sha256; nothing was stored")
            yield chunk
            self.count(len(chunk))
        if size != self.size:
            raise RegistryError(f"{self.digest}: its content ends after {size} of {self.size} bytes")


def size(connection: Connection, repository: str, digest: str) -> int | None:
    """The size of a blob in bytes, or None when the repository does not have it. Raises RegistryError."""
    return repeated(connection, lambda: size_once(connection, repository, digest))


def size_once(connection: Connection, repository: str, digest: str) -> int | None:
    """The same without another attempt: for what is repeated as a whole."""
    path = f"{repository}/blobs/{digest}"
    answer = once(connection, "HEAD", path, scope=pull(repository), expected=(200, MISSING))
    answer.close()
    return None if answer.status_code == MISSING else length_of(answer)


def length_of(answer: "requests.Response") -> int:
    """The length that an answer says; 0 when it says none."""
    said = answer.headers.get("Content-Length", "")
    return int(said) if re.fullmatch(r"[0-9]{1,18}", said) else 0


def small(connection: Connection, repository: str, digest: str) -> bytes:
    """The content of a small blob, such as a configuration; raises RegistryError when its digest is another."""

    def attempt() -> bytes:
        answer = once(connection, "GET", f"{repository}/blobs/{digest}", scope=pull(repository))
        content = whole(connection, answer)
        if digest_of(content) != digest:
            raise RegistryError(f"{connection.host}/{repository}: what it gives as {digest} has another sha256")
        return content

    return repeated(connection, attempt)


def stream(connection: Connection, repository: str, digest: str) -> Iterator[bytes]:
    """The content of a blob in pieces; raises RegistryError at its end when its digest is another."""
    import requests

    answer = ask(connection, "GET", f"{repository}/blobs/{digest}", scope=pull(repository))
    found = hashlib.sha256()
    try:
        with answer:
            for chunk in answer.iter_content(CHUNK):
                found.update(chunk)
                yield chunk
    except (requests.exceptions.RequestException, OSError):
        raise UnavailableError(f"{connection.host}: its answer with {digest} ended early, or came too slowly") from None
    if f"sha256:{found.hexdigest()}" != digest:
        raise RegistryError(f"{connection.host}/{repository}: what it gives as {digest} has another sha256")


def put(connection: Connection, repository: str, digest: str, content: bytes) -> None:
    """Upload a small blob unless it is there; safe to repeat. Raises RegistryError."""
    if size(connection, repository, digest) is None:
        upload(connection, repository, digest, len(content), lambda: [content])


def upload(
    connection: Connection, repository: str, digest: str, length: int, chunks: Chunks, *, count: Count = lambda _: None
) -> None:
    """Upload a blob, and begin anew after an error that may pass, unless it was stored all the same."""

    def settled() -> bool | None:
        return True if size_once(connection, repository, digest) == length else None

    sent = furthest = 0

    def counted(more: int) -> None:
        nonlocal sent, furthest
        sent += more
        furthest = max(furthest, sent)
        count(more)

    def once_more() -> bool:
        nonlocal sent
        sent = 0
        return attempt(connection, repository, digest, length, chunks, count=counted)

    moving(connection, once_more, settled, progress=lambda: furthest)


def attempt(
    connection: Connection,
    repository: str,
    digest: str,
    length: int,
    chunks: Chunks,
    *,
    count: Count = lambda _: None,
    begun: str | None = None,
) -> bool:
    """Upload a blob in one request; a failed or interrupted upload is cancelled on the registry.

    `begun` is the place of an upload that has begun. Raises UnavailableError when it may pass, else RegistryError.
    """
    place = begun or begin(connection, repository, digest)
    body = Upload(digest=digest, size=length, chunks=chunks, count=count)
    try:
        answer = once(
            connection,
            "PUT",
            with_digest(place, digest),
            scope=push(repository),
            headers={"Content-Type": "application/octet-stream"},
            body=body if length else b"",
            expected=(201, 204),
        )
    except BaseException:
        with suppress(RegistryError):
            once(connection, "DELETE", place, scope=push(repository), expected=(204, 404)).close()
        raise
    answer.close()
    return True


def begin(connection: Connection, repository: str, digest: str) -> str:
    """Where the registry wants the content of a blob, by one request."""
    answer = once(connection, "POST", f"{repository}/blobs/uploads/", scope=push(repository), body=b"", expected=(202,))
    answer.close()
    return place(connection, answer, digest)


def place(connection: Connection, answer: "requests.Response", digest: str) -> str:
    where = address(connection, answer.url, answer.headers.get("Location", ""))
    if "Location" not in answer.headers or urlsplit(where).scheme not in ("http", "https"):
        raise RegistryError(f"{connection.host}: it names no place to upload {digest} to")
    if connection.url.startswith("https:") and not where.startswith("https:"):
        raise RegistryError(f"{connection.host}: it wants {digest} without encryption: nothing was sent")
    return where


def with_digest(place: str, digest: str) -> str:
    """The place of an upload with the digest in its query, which may hold other things."""
    parts = urlsplit(place)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("digest", digest)])
    return urlunsplit(parts._replace(query=query))


def mount(connection: Connection, repository: str, digest: str, origin: str) -> bool:
    """Mount the blob from the repository `origin` of the same registry, without a copy; False when refused."""
    query = urlencode({"mount": digest, "from": origin})
    answer = ask(
        connection,
        "POST",
        f"{repository}/blobs/uploads/?{query}",
        scope=f"{push(repository)} {pull(origin)}",
        body=b"",
        expected=(201, 202, 400, 401, 403, MISSING, 405),
    )
    answer.close()
    if answer.status_code == 202:  # noqa: PLR2004 (it began an upload instead)
        with suppress(RegistryError):
            where = place(connection, answer, digest)
            once(connection, "DELETE", where, scope=push(repository), expected=(204, 404)).close()
    return answer.status_code == 201  # noqa: PLR2004 (created)
