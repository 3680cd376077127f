"""An image of the engine as an OCI layout on disk, with the layers that this host has packed linked into it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import engine_export, engine_manifest
from builder.build.oci_layout import MANIFEST, descriptor
from builder.errors import EngineError
from builder.host import engine, layer_cache
from builder.host.files import link
from builder.registry.descriptors import parts
from builder.registry.manifests import parsed

if TYPE_CHECKING:
    import docker

Documents = Mapping[str, bytes]


def write(client: "docker.DockerClient", digest: str, layout: Path) -> str:
    """Writes the layout; returns the digest of its manifest. Raises EngineError."""
    image = engine_manifest.image_of(client, digest)
    documents = {image.digest: image.manifest, image.config_digest: image.config}
    wanted = {one.digest for one in parts(parsed(image.manifest, digest), digest)} - documents.keys()
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)
    for name, content in documents.items():
        (blobs / name.removeprefix("sha256:")).write_bytes(content)
    for name in [one for one in wanted if layer_cache.is_whole(one)]:
        link(layer_cache.blob(name), blobs / name.removeprefix("sha256:"))
        wanted.remove(name)
    if wanted:
        copy(client, digest, wanted, blobs)
    entry = descriptor(MANIFEST, image.digest.removeprefix("sha256:"), len(image.manifest))
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}), "utf-8")
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', "utf-8")
    return image.digest


def copy(client: "docker.DockerClient", digest: str, wanted: set[str], blobs: Path) -> None:
    """Copies these blobs out of the engine; raises EngineError when it does not give them all."""
    with engine_export.exported(client, digest) as found:
        for one in found:
            if one.digest in wanted:
                with (blobs / one.digest.removeprefix("sha256:")).open("wb") as file:
                    file.writelines(one.chunks())
                wanted.remove(one.digest)
    if wanted:
        raise EngineError(f"{digest}: the engine's export lacks {', '.join(sorted(wanted))}", hint=engine.DOCTOR)
