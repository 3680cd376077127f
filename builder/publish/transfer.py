"""Brings images into a registry by digest, from the engine or from another repository: blobs first, and no tag.

What the registry has is not sent again. So a transfer that broke off goes on when it is repeated.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from builder.build.engine_export import ExportedBlob, exported, kept
from builder.errors import CancelledError, EngineError, RegistryError, UnavailableError
from builder.host import layer_cache
from builder.publish import parallel
from builder.publish.signing import attachments
from builder.registry import blobs, manifests, referrers
from builder.registry.connection import moving, repeated
from builder.registry.descriptors import Descriptor, parts
from builder.registry.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from builder.registry.session import Connection

if TYPE_CHECKING:
    import docker

SMALL = 1 << 20
"""In bytes. Smaller blobs are kept in memory until the manifest says what they are."""
COSIGN = (".sig", ".att", ".sbom")
"""The endings of the tags `sha256-<hex>` that cosign's older formats use:
https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md"""
DEEPEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository of a registry."""

    connection: Connection
    repository: str

    def __str__(self) -> str:
        return f"{self.connection.host}/{self.repository}"


@dataclass(slots=True, kw_only=True)
class Sent:
    """What one transfer has stored so far."""

    stored: set[str] = field(default_factory=set)
    """Blobs that the registry is known to have."""
    kept: dict[str, bytes] = field(default_factory=dict)
    bytes: int = 0
    total: int = 0
    """The bytes of the image's blobs, once its manifest is known."""
    watch: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, size: int) -> None:
        with self.lock:
            self.bytes += size
            self.watch()


@dataclass(slots=True, kw_only=True)
class BlobProgress:
    """The bytes sent of one blob; counting raises CancelledError once another blob has failed."""

    sent: Sent
    stop: threading.Event
    bytes: int = 0

    def count(self, size: int) -> None:
        if self.stop.is_set():
            raise CancelledError("another part of the image cannot be sent")
        self.bytes += size
        self.sent.count(size)

    def forget(self) -> None:
        """Take the bytes back: the blob is sent again."""
        self.sent.count(-self.bytes)
        self.bytes = 0


def push(client: "docker.DockerClient", place: Place, digest: str, sent: Sent) -> Manifest:
    """Bring an image of the engine to the repository, under its digest; raises RegistryError or EngineError."""
    if found := manifests.manifest(place.connection, place.repository, digest):
        return found  # a registry takes a manifest only when it has everything that it names
    return moving(place.connection, lambda: passed(client, place, digest, sent), progress=lambda: len(sent.stored))


def passed(client: "docker.DockerClient", place: Place, digest: str, sent: Sent) -> Manifest:
    """Read the image once, and upload the missing blobs: as they come, or side by side where they can be read again."""
    later: dict[str, ExportedBlob] = {}
    with source(client, digest) as found:
        for blob in found:
            if blob.size <= SMALL:
                sent.kept[blob.digest] = b"".join(blob.chunks())
            elif blob.lasts:
                later[blob.digest] = blob
            elif blob.digest not in sent.stored:
                uploaded(place, blob, sent, threading.Event())
            if not later and digest in sent.kept and is_complete(place, digest, sent):
                break
        sent.total = sum(one.size for one in below(sent.kept, digest))
        wanted = sorted(
            (later[name] for name in later.keys() - sent.stored), key=lambda blob: (-blob.size, blob.digest)
        )
        parallel.run([partial(uploaded, place, blob, sent) for blob in wanted])
    return manifest_of(place, digest, sent)


def source(client: "docker.DockerClient", digest: str) -> AbstractContextManager[Iterator[ExportedBlob]]:
    """The blobs of an image: of the cache, where a classic image store has its layers unpacked; else of the engine."""
    if layer_cache.is_whole(digest):
        return nullcontext(kept(layer_cache.directory(), digest))
    return exported(client, digest)


def uploaded(place: Place, blob: ExportedBlob, sent: Sent, stop: threading.Event) -> None:
    """Upload a blob once; an error counts only when the blob did not arrive."""
    part = BlobProgress(sent=sent, stop=stop)
    try:
        if blobs.size(place.connection, place.repository, blob.digest) is None:
            # A repetition reads the engine's image anew, so the small requests before the content have their own.
            begun = repeated(place.connection, lambda: blobs.begin(place.connection, place.repository, blob.digest))
            blobs.attempt(
                place.connection,
                place.repository,
                blob.digest,
                blob.size,
                blob.chunks,
                count=part.count,
                begun=begun,
            )
    except UnavailableError:
        if blobs.size(place.connection, place.repository, blob.digest) != blob.size:
            part.forget()
            raise
    sent.stored.add(blob.digest)


def is_complete(place: Place, digest: str, sent: Sent) -> bool:
    """Whether the registry needs no further blob; it is asked for each large blob once."""
    wanted = {one.digest: one.size for one in below(sent.kept, digest)}
    sent.total = sum(wanted.values())
    for name, size in wanted.items():
        if name in sent.kept or name in sent.stored:
            continue
        if size <= SMALL or blobs.size(place.connection, place.repository, name) is None:
            return False
        sent.stored.add(name)
    return True


def below(kept: Mapping[str, bytes], digest: str, depth: int = 0) -> Iterator[Descriptor]:
    """The descriptors of everything below a manifest, children before their own parts; raises RegistryError."""
    for one in parts(manifests.parsed(kept.get(digest, b"{}"), digest), digest):
        yield one
        if is_manifest(one) and depth < DEEPEST:
            yield from below(kept, one.digest, depth + 1)


def is_manifest(one: Descriptor) -> bool:
    return one.media_type in manifests.KINDS


def manifest_of(place: Place, digest: str, sent: Sent, depth: int = 0) -> Manifest:
    """Store the small blobs of a manifest and the manifests below it, then the manifest itself."""
    assert_shallow(digest, depth)
    content = sent.kept.get(digest)
    if content is None:
        raise EngineError(
            f"{digest}: the engine's export holds no such manifest", hint="is its containerd store in use?"
        )
    document = manifests.parsed(content, digest)
    for one in parts(document, digest):
        if is_manifest(one):
            manifest_of(place, one.digest, sent, depth + 1)
        elif one.digest in sent.kept and one.digest not in sent.stored:
            blobs.put(place.connection, place.repository, one.digest, sent.kept[one.digest])
            sent.count(len(sent.kept[one.digest]))
            sent.stored.add(one.digest)
    kind = str(document.get("mediaType") or (OCI_INDEX if "manifests" in document else OCI_MANIFEST))
    return manifests.put(place.connection, place.repository, digest, content, kind)


def assert_shallow(digest: str, depth: int) -> None:
    """Raise RegistryError for a manifest below so many others that nobody made it in good faith."""
    if depth > DEEPEST:
        raise RegistryError(f"{digest}: an index below {DEEPEST} others: it is not followed further")


def copy(source: Place, target: Place, digest: str, sent: Sent, depth: int = 0) -> Manifest:
    """Bring an image from another repository, under its digest, without the engine; raises RegistryError."""
    assert_shallow(digest, depth)
    if found := manifests.manifest(target.connection, target.repository, digest):
        return found
    made = manifests.manifest(source.connection, source.repository, digest)
    if made is None:
        raise RegistryError(f"{source}@{digest}: no such image", status=manifests.MISSING)
    entries = parts(made.document, digest)
    for one in filter(is_manifest, entries):
        copy(source, target, one.digest, sent, depth + 1)
    names = dict.fromkeys(one.digest for one in entries if not is_manifest(one))
    parallel.run([partial(copy_blob, source, target, name, sent) for name in names if name not in sent.stored])
    return manifests.put(target.connection, target.repository, digest, made.content, made.media_type)


def copy_blob(source: Place, target: Place, digest: str, sent: Sent, stop: threading.Event) -> None:
    """Mount the blob within one registry, else stream it through this process."""
    is_there = blobs.size(target.connection, target.repository, digest) is not None
    is_near = source.connection.host == target.connection.host
    if not is_there and not (is_near and blobs.mount(target.connection, target.repository, digest, source.repository)):
        streamed(source, target, digest, BlobProgress(sent=sent, stop=stop))
    sent.stored.add(digest)


def streamed(source: Place, target: Place, digest: str, part: BlobProgress) -> None:
    """Bring a blob from one registry to another, without holding it."""
    size = blobs.size(source.connection, source.repository, digest)
    if size is None:
        raise RegistryError(f"{source}: the blob {digest} is missing", status=manifests.MISSING)
    blobs.upload(
        target.connection,
        target.repository,
        digest,
        size,
        lambda: blobs.stream(source.connection, source.repository, digest),
        count=part.count,
    )


def follow(source: Place, target: Place, digest: str, sent: Sent, depth: int = 0) -> tuple[str, ...]:
    """Copy what refers to an image, and what refers to that: attestations and signatures. Returns their digests.

    Statements that were replaced at the source are dropped at the target.
    """
    found = []
    before = referrers.referrers(target.connection, target.repository, digest)
    for one in referrers.referrers(source.connection, source.repository, digest):
        made = copy(source, target, one.digest, sent)
        referrers.attach(target.connection, target.repository, made.content)
        found.append(one.digest)
        if depth < DEEPEST:
            found += follow(source, target, one.digest, sent, depth + 1)
    attachments.drop_replaced(target.connection, target.repository, digest, before, set(found))
    for ending in COSIGN:
        tag = f"{referrers.fallback_tag(digest)}{ending}"
        if named := manifests.digest(source.connection, source.repository, tag):
            made = copy(source, target, named, sent)
            manifests.put(target.connection, target.repository, tag, made.content, made.media_type)
            found.append(named)
    return tuple(dict.fromkeys(found))
