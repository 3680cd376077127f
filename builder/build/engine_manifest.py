"""Gets the manifest and the configuration of an image from the engine, whose API sends them to registries only.

So the engine is asked to push the image to a registry in this process. That registry claims to have every layer, and
the engine sends the two documents only. `docker save` would send gigabytes, and is for engines that reach no port of
this machine. The answer is cached by digest. Where this process may read the engine's own blobs, it asks nobody.
"""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.build import engine_export, layout_cache
from builder.build.oci_layout import ImageDocuments
from builder.errors import EngineError
from builder.host import engine
from builder.host.cache import cache_directory, keep, known
from builder.host.limits import MANIFEST_BYTES
from builder.host.temporary import passing
from builder.matrix.reference import repository_and_tag
from builder.registry.descriptors import parts
from builder.registry.manifests import digest_of, parsed

if TYPE_CHECKING:
    import docker

LIMIT = 4 << 20
OK, CREATED, ACCEPTED, MISSING, TOO_LARGE = 200, 201, 202, 404, 413


@dataclass(slots=True, kw_only=True)
class Received:
    """The documents that the engine sent, by digest, and the digests of the blobs that this registry claims to lack."""

    documents: dict[str, bytes] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)


def image_of(client: "docker.DockerClient", digest: str) -> ImageDocuments:
    """The documents of an image, from the cache or the engine; raises EngineError when the engine sends none.

    A classic image store keeps no manifests, so there the image gets the one that it is published with.
    """
    if not engine.has_containerd_store(client.info()):
        return layout_cache.documents(client, digest)
    if directory := engine_export.store(client, digest):
        return stored(directory, digest)
    if before := remembered(digest):
        return before
    try:
        found = asked(client, digest)
    except EngineError:
        found = exported(client, digest)
    content = {"manifest": found.manifest.decode(), "config": found.config.decode()}
    keep(file_of(digest), content, "the engine will be asked again next time")
    return found


def stored(directory: Path, digest: str) -> ImageDocuments:
    """The documents from the directory of the engine's blobs; raises EngineError and RegistryError for no image."""

    def blob(name: str) -> bytes:
        return b"".join(engine_export.content(directory / name.removeprefix("sha256:"), name))

    manifest = blob(digest)
    return ImageDocuments(manifest=manifest, config=blob(parts(parsed(manifest, digest), digest)[-1].digest))


def exported(client: "docker.DockerClient", digest: str) -> ImageDocuments:
    """The documents out of the whole image, which an engine streams that reaches no port of this machine."""
    documents: dict[str, bytes] = {}
    with engine_export.streamed(client, digest) as found:
        for one in found:
            if one.size <= MANIFEST_BYTES:
                documents[one.digest] = b"".join(one.chunks())
    try:
        manifest = documents[digest]
        return ImageDocuments(manifest=manifest, config=documents[parts(parsed(manifest, digest), digest)[-1].digest])
    except LookupError:
        raise EngineError(f"{digest}: the engine's export has no manifest of one image", hint=engine.DOCTOR) from None


def file_of(digest: str) -> Path:
    return cache_directory() / "manifests" / f"{digest.removeprefix('sha256:')}.json"


def remembered(digest: str) -> ImageDocuments | None:
    """The documents in this host's cache, or None."""

    def read(content: Mapping[str, Any]) -> ImageDocuments:
        found = ImageDocuments(manifest=content["manifest"].encode(), config=content["config"].encode())
        if found.digest != digest:
            raise ValueError("it is of another digest")
        return found

    return known(file_of(digest), read)


def asked(client: "docker.DockerClient", digest: str) -> ImageDocuments:
    """The documents from two pushes: the first brings the manifest, the second the configuration it names."""
    received = Received()
    with registry(received) as port, tagged(client, digest, passing(port)) as name:
        said = push(client, name)
        manifest = received.documents.get(digest)
        body = json.loads(manifest) if manifest else {}
        if manifest is None or "config" not in body:
            raise EngineError(
                f"{digest}: the engine sent no manifest of one image: {said}; it must run on this machine",
                hint="python -m builder doctor",
            )
        config = str(body["config"]["digest"])
        received.lacking.add(config)
        said = push(client, name)
    if config not in received.documents:
        raise EngineError(
            f"{digest}: the engine did not send the configuration of this image: {said}",
            hint="python -m builder doctor",
        )
    return ImageDocuments(manifest=manifest, config=received.documents[config])


@contextlib.contextmanager
def tagged(client: "docker.DockerClient", digest: str, name: str) -> Iterator[str]:
    """Tags the image with `name` until the block ends."""
    repository, tag = repository_and_tag(name)
    try:
        client.api.tag(digest, repository, tag)
        yield name
    finally:
        with contextlib.suppress(Exception):
            client.api.remove_image(name, noprune=True)


def push(client: "docker.DockerClient", name: str) -> str:
    """Pushes, and returns the engine's last error or line; it raises nothing, as the caller looks at what arrived."""
    repository, tag = repository_and_tag(name)
    lines = list(client.api.push(repository, tag, stream=True, decode=True, auth_config={"username": ""}))
    errors = [str(line["error"]) for line in lines if "error" in line]
    return errors[-1] if errors else str(lines[-1] if lines else "nothing")


@contextlib.contextmanager
def registry(received: Received) -> Iterator[int]:
    """Runs the registry on the loopback device until the block ends; yields its port."""

    class Bound(Handler):
        found = received

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """The part of the registry API that a push uses."""

    protocol_version = "HTTP/1.1"
    # The engine tries TLS first, and falls back to plain HTTP only when the answer looks like HTTP.
    default_request_version = "HTTP/1.1"
    found: Received

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 (the base class's signature)
        """Keeps requests out of stderr."""

    def answer(self, code: int, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content_Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self) -> None:
        self.answer(OK if self.path == "/v2/" else MISSING)

    def do_HEAD(self) -> None:
        """Says that every blob is there, except the lacking ones."""
        digest = self.path.rpartition("/")[2]
        if "/blobs/" in self.path and digest not in self.found.lacking:
            self.answer(OK, Docker_Content_Digest=digest, Content_Length="1")
        else:
            self.answer(MISSING)

    def do_POST(self) -> None:
        self.body()
        self.answer(ACCEPTED, Location=f"{self.path.rstrip('/')}/one")

    def do_PUT(self) -> None:
        """Keeps the document under its digest."""
        content = self.body()
        if content is None:
            self.answer(TOO_LARGE)
            return
        digest = digest_of(content)
        self.found.documents[digest] = content
        self.answer(CREATED, Docker_Content_Digest=digest, Location=self.path)

    def body(self) -> bytes | None:
        """The body of the request; None when it is larger than LIMIT."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            return self.chunks()
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length <= LIMIT else None

    def chunks(self) -> bytes | None:
        parts, total = [], 0
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            total += size
            if total > LIMIT:
                return None
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)
