"""Loads an image into an engine that has some of its layers: an archive with the other ones and the documents.

Every layer that the engine has may be left out. The archive is an OCI layout, which containerd's image store reads, and
names the same blobs in `manifest.json`, which the classic store reads:
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageLoad
"""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from builder.build.oci_layout import MANIFEST, ImageDocuments, descriptor
from builder.errors import EngineError
from builder.host import engine
from builder.registry.descriptors import listed, parts
from builder.registry.manifests import digest_of, parsed

if TYPE_CHECKING:
    import docker

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
Contents = Mapping[str, bytes | Path]


def load(client: "docker.DockerClient", image: ImageDocuments, layers: Mapping[str, Path], scratch: Path) -> str:
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
    return sent(client, contents, image.config, names, (image.digest, image.config_digest), scratch)


def load_configuration(client: "docker.DockerClient", config: bytes, scratch: Path) -> str:
    """Loads an image whose layers a classic store has; returns the digest of its configuration. Raises EngineError."""
    digest = digest_of(config)
    names = list(parsed(config, digest)["rootfs"]["diff_ids"])
    return sent(client, {}, config, names, (digest,), scratch)


def sent(
    client: "docker.DockerClient",
    contents: Contents,
    config: bytes,
    layers: Iterable[str],
    wanted: Iterable[str],
    scratch: Path,
) -> str:
    """Sends the archive; returns the first of the wanted names that the engine has then."""
    digest = digest_of(config)
    archive = scratch / "image.tar"
    write(archive, {**contents, place(digest): config, "manifest.json": names_of(digest, layers)}, mode="w")
    with archive.open("rb") as stream:
        said = list(client.api.load_image(stream, quiet=True))  # type: ignore[no-untyped-call]
    archive.unlink()
    if found := next(filter(None, (engine.digest(client, one) for one in wanted)), None):
        return found
    raise EngineError(f"the engine was sent an image, and does not have it: {said}", hint=engine.DOCTOR)


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
    write(archive, {"manifest.json": names_of(names[-1], names[:-1])}, mode="a")
    return names[-1]


def place(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def write(archive: Path, contents: Contents, *, mode: Literal["a", "w"]) -> None:
    """Writes a tar of these contents, each a text or a file; with `a` it adds them to one."""
    with tarfile.open(archive, mode) as tar:
        for name, content in contents.items():
            if isinstance(content, Path):
                tar.add(content, name)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
