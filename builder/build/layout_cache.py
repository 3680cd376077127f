"""Images of an engine with the classic image store, as an OCI layout in the cache: what is published of them.

That store keeps unpacked layers and a configuration, and no manifest. So each layer is read from the engine once,
compressed once, and kept for every image that has it; the manifest names these blobs. With containerd's store the
engine has the manifest itself, and nothing is kept here.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from builder.build import engine_export
from builder.build.engine_export import ExportedBlob
from builder.build.oci_layout import CONFIG, LAYER, MANIFEST, ImageDocuments, compress, descriptor, dumped
from builder.errors import EngineError
from builder.host import engine, layer_cache
from builder.host.cache import say
from builder.host.files import replacing
from builder.host.layer_cache import PackedLayer
from builder.registry.descriptors import list_in, mapping
from builder.registry.manifests import digest_of, parsed

if TYPE_CHECKING:
    import docker

    from builder.matrix.reference import Reference

LEVEL = 3
"""Of zstd: the level of BuildKit's own layers."""


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
    if layer_cache.is_whole(digest):
        names.append(str(mapping(parsed(layer_cache.blob(digest).read_bytes(), digest).get("config")).get("digest")))
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
    with layer_cache.written("packed"):
        diffs = list_in(mapping(engine.described(client, digest).get("RootFS")), "Layers")
        packed = {one: found[0] for one in diffs if (found := layer_cache.remembered(one))}
        if len(packed) == len(set(diffs)):
            config = engine_export.configuration(client, digest)
        else:
            say(f"{digest[:19]}: packing its layers")
            config = packed_from(client, digest, diffs, packed)
        return kept(config, [packed[one] for one in diffs])


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
    with layer_cache.new_blobs() as place:
        stored, diff = compress(layer.chunks(), place, LEVEL)
        if diff != layer.digest:
            raise EngineError(f"{layer.digest}: the engine's export of this layer is {diff}", hint=engine.DOCTOR)
        digest = str(stored["digest"])
        made = PackedLayer(digest=digest, size=int(stored["size"]), diff=diff)
        layer_cache.stored(place / digest.removeprefix("sha256:"), made)
    layer_cache.remember(diff, (made,))
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
        layer_cache.directory().mkdir(parents=True, exist_ok=True)
        with replacing(layer_cache.blob(digest_of(content))) as file:
            file.write_bytes(content)
    return image


def described(kind: str, digest: str, size: int) -> dict[str, Any]:
    return descriptor(kind, digest.removeprefix("sha256:"), size)
