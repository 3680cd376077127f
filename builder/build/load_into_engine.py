"""Loads an image into an engine that has some of its layers: an archive with the other ones and the documents.

Every layer that the engine has may be left out. The archive is an OCI layout, which containerd's image store reads, and
names the same blobs in `manifest.json`, which the classic store reads:
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageLoad
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from builder.build import engine_export
from builder.build.oci_layout import CHUNK, MANIFEST, ImageDocuments, descriptor
from builder.errors import EngineError
from builder.host import engine, layer_cache
from builder.host.layer_cache import PackedLayer
from builder.registry.descriptors import listed, parts
from builder.registry.manifests import digest_of, parsed

if TYPE_CHECKING:
    import docker

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
Contents = Mapping[str, bytes | Path]


def load(client: "docker.DockerClient", image: ImageDocuments, layers: Mapping[str, Path]) -> str:
    """Loads the image without a tag, with these layers by digest; returns the engine's name of it.

    That is the digest of the manifest, in the classic store of the configuration. Raises EngineError.
    """
    entry = descriptor(MANIFEST, image.digest.removeprefix("sha256:"), len(image.manifest))
    contents: Contents = {
        "oci-layout": LAYOUT,
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(),
        place(image.digest): image.manifest,
        **{place(digest): path for digest, path in layers.items()},
    }
    names = [one.digest for one in listed(parsed(image.manifest, image.digest), "layers", image.digest)]
    return sent(client, contents, image.config, names, (image.digest, image.config_digest))


def load_layers(client: "docker.DockerClient", image: ImageDocuments, base: str, layers: Iterable[PackedLayer]) -> str:
    """As `load`, with those of these layers that the engine seems to lack; with all where it lacked more.

    `base` is the engine's name of the image below them.
    """
    files = {one.digest: layer_cache.blob(one.digest) for one in layers}
    here = engine_export.store(client, base)
    lacking = {digest: file for digest, file in files.items() if not (here and (here / file.name).exists())}
    try:
        return load(client, image, lacking)
    except EngineError:
        if lacking == files:
            raise
        return load(client, image, files)


def load_configuration(
    client: "docker.DockerClient", config: bytes, layers: Mapping[str, Path] = MappingProxyType({})
) -> str:
    """Loads an image into a classic store, with the layers that it lacks, by the digests of their contents.

    Returns the digest of the configuration. Raises EngineError.
    """
    digest = digest_of(config)
    names = list(parsed(config, digest)["rootfs"]["diff_ids"])
    return sent(client, {place(one): path for one, path in layers.items()}, config, names, (digest,))


def sent(
    client: "docker.DockerClient", contents: Contents, config: bytes, layers: Iterable[str], wanted: Iterable[str]
) -> str:
    """Sends the archive, which is written nowhere; returns the first of the wanted names that the engine has then."""
    digest = digest_of(config)
    archive = {**contents, place(digest): config, "manifest.json": names_of(digest, layers)}
    said = list(client.api.load_image(pieces(archive), quiet=True))  # type: ignore[no-untyped-call]
    if found := next(filter(None, (engine.digest(client, one) for one in wanted)), None):
        return found
    raise EngineError(f"the engine was sent an image, and does not have it: {said}", hint=engine.DOCTOR)


def pieces(archive: Contents) -> Iterator[bytes]:
    """A tar of these contents, each a text or a file, in pieces."""
    for name, content in archive.items():
        entry = tarfile.TarInfo(name)
        entry.size = content.stat().st_size if isinstance(content, Path) else len(content)
        yield entry.tobuf()
        if isinstance(content, Path):
            with content.open("rb") as file:
                yield from iter(partial(file.read, CHUNK), b"")
        else:
            yield content
        yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    yield b"\0" * tarfile.BLOCKSIZE * 2


def names_of(config: str, layers: Iterable[str]) -> bytes:
    """What the classic store reads: the places of the configuration and of the layers."""
    return json.dumps([{"Config": place(config), "RepoTags": None, "Layers": list(map(place, layers))}]).encode()


def name_layers(archive: Path, digest: str) -> str:
    """Makes an OCI archive with this manifest one for the classic store too; returns the configuration's digest.

    Raises EngineError when the archive lacks the manifest.
    """
    with tarfile.open(archive) as tar:
        try:
            found = tar.extractfile(place(digest))
        except KeyError:
            found = None
        if found is None:
            raise EngineError(f"the builder made {digest}, and its archive does not hold it", hint=engine.DOCTOR)
        manifest = parsed(found.read(), digest)
    names = [one.digest for one in parts(manifest, digest)]
    content = names_of(names[-1], names[:-1])
    with tarfile.open(archive, "a") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return names[-1]


def place(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"
