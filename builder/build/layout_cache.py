"""Images of an engine with the classic image store, as an OCI layout in the cache: what is published of them.

That store keeps unpacked layers and a configuration, and no manifest. So each layer is read from the engine once,
compressed once, and kept for every image that has it; the manifest names these blobs. With containerd's store the
engine has the manifest itself, and nothing is kept here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.build import engine_export
from builder.build.engine_export import ExportedBlob
from builder.build.oci_layout import CONFIG, LAYER, MANIFEST, ImageDocuments, compress, descriptor, dumped
from builder.errors import EngineError
from builder.host import engine, mutex
from builder.host.cache import OTHER_CACHE, cache_directory, ignore, keep, known, say
from builder.host.files import remove, replacing, sha256_of
from builder.registry.descriptors import list_in, mapping
from builder.registry.manifests import digest_of, parsed

if TYPE_CHECKING:
    import docker

    from builder.matrix.reference import Reference

LEVEL = 3
"""Of zstd: the level of BuildKit's own layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedLayer:
    """A layer as it is in the cache; `size` is in bytes."""

    digest: str
    size: int


def published_digest(client: "docker.DockerClient", digest: str) -> str:
    """The digest of the manifest under which an image of the engine is published; raises EngineError.

    An image that the engine does not have keeps its name: a registry may have it.
    """
    if engine.has_containerd_store(client.info()) or engine.digest(client, digest) != digest:
        return digest
    return documents(client, digest).digest


def engine_digest(client: "docker.DockerClient", reference: "Reference") -> str | None:
    """The engine's name of an image of a registry: as it was pulled, or as it was published from here. Else None."""
    digest = str(reference.digest)
    names = [digest, f"{reference.name}@{digest}"]
    if is_whole(digest):
        names.append(str(mapping(parsed(blob(digest).read_bytes(), digest).get("config")).get("digest")))
    return next(filter(None, (engine.digest(client, name) for name in names)), None)


def bring(client: "docker.DockerClient", reference: "Reference", say: Callable[[str], None]) -> str:
    """The engine's name of an image of a registry, which is pulled where the engine lacks it; raises EngineError."""
    if found := engine_digest(client, reference):
        return found
    say(f"pulling {reference}")
    client.images.pull(reference.name, tag=str(reference.digest))
    if found := engine_digest(client, reference):
        return found
    raise EngineError(f"{reference}: the engine does not have it under its digest", hint=engine.DOCTOR)


def documents(client: "docker.DockerClient", digest: str) -> ImageDocuments:
    """The manifest and the configuration of an image in a classic store, with every blob in the cache.

    One run at a time reads an image from the engine. Raises EngineError.
    """
    with written():
        diffs = list_in(mapping(engine.described(client, digest).get("RootFS")), "Layers")
        packed = {one: layer for one in diffs if (layer := remembered(one))}
        if len(packed) == len(set(diffs)):
            config = engine_export.configuration(client, digest)
        else:
            say(f"{digest[:19]}: packing its layers")
            config = packed_from(client, digest, diffs, packed)
        return kept(config, [packed[one] for one in diffs])


@contextmanager
def written() -> Iterator[None]:
    """The right to write to the cache, for the block. An error of its disk becomes an EngineError."""
    try:
        with mutex.held(cache_directory() / "locks", "layout", lambda holder: say(f"{holder} packs an image; waiting")):
            yield
    except OSError as error:
        where = error.filename or directory()
        raise EngineError(f"{where}: {error.strerror}, and layers are packed there", hint=OTHER_CACHE) from None


def remembered(diff: str) -> PackedLayer | None:
    """The layer with this content, when the cache has it whole."""
    found = known(record(diff), lambda content: PackedLayer(digest=str(content["digest"]), size=int(content["size"])))
    return found if found and is_whole(found.digest) else None


def packed_from(client: "docker.DockerClient", digest: str, diffs: list[str], packed: dict[str, PackedLayer]) -> bytes:
    """Adds the layers that `packed` lacks, as the engine streams them; returns the image's configuration."""
    config = b""
    with engine_export.streamed(client, digest) as found:
        for one in found:
            if one.digest == digest:
                config = b"".join(one.chunks())
            elif one.digest in diffs and one.digest not in packed:
                packed[one.digest] = pack(one)
    if digest_of(config) != digest or packed.keys() < set(diffs):
        raise EngineError(f"{digest}: the engine's export is not whole", hint="Docker 25 or newer, and df -h")
    return config


def pack(layer: ExportedBlob) -> PackedLayer:
    """Compresses a layer into the cache, and remembers where it is."""
    directory().mkdir(parents=True, exist_ok=True)
    stored, diff = compress(layer.chunks(), directory(), LEVEL)
    if diff != layer.digest:
        raise EngineError(f"{layer.digest}: the engine's export of this layer is {diff}", hint=engine.DOCTOR)
    made = PackedLayer(digest=str(stored["digest"]), size=int(stored["size"]))
    keep(record(diff), {"digest": made.digest, "size": made.size}, "the layer will be packed again next time")
    return made


def kept(config: bytes, layers: list[PackedLayer]) -> ImageDocuments:
    """Puts the configuration and the manifest beside the layers; the same layers always give the same manifest."""
    body = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(CONFIG, digest_of(config), len(config)),
        "layers": [described(LAYER, one.digest, one.size) for one in layers],
    }
    image = ImageDocuments(manifest=dumped(body), config=config)
    for content in (image.config, image.manifest):
        directory().mkdir(parents=True, exist_ok=True)
        with replacing(blob(digest_of(content))) as file:
            file.write_bytes(content)
    return image


def described(kind: str, digest: str, size: int) -> dict[str, Any]:
    return descriptor(kind, digest.removeprefix("sha256:"), size)


def root() -> Path:
    return cache_directory() / "layout"


def directory() -> Path:
    """Where the blobs are, each under its digest."""
    return root() / "blobs/sha256"


def drop() -> None:
    """Removes everything, while nobody packs; raises EngineError."""
    with written():
        remove(root())


def blob(digest: str) -> Path:
    return directory() / digest.removeprefix("sha256:")


def record(diff: str) -> Path:
    return root() / "layers" / f"{diff.removeprefix('sha256:')}.json"


def is_whole(digest: str) -> bool:
    """Whether the cache has the blob. One with other content is said, and removed."""
    file = blob(digest)
    try:
        if sha256_of(file) == digest.removeprefix("sha256:"):
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
