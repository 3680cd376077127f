"""Loads an image into an engine that already has its base: an archive with the new layer and the two documents.

The other layers are in the engine's content store. The format of the archive:
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build.oci_layout import MANIFEST, descriptor
from builder.derive.blob import Blob
from builder.derive.manifest import ImageDocuments, sha256
from builder.errors import EngineError
from builder.host import engine

if TYPE_CHECKING:
    import docker

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


def load(client: "docker.DockerClient", image: ImageDocuments, layer: Blob, scratch: Path) -> None:
    """Loads the image without a tag; raises EngineError when the engine does not have it afterwards."""
    archive = scratch / "image.tar"
    write(archive, image, layer)
    with archive.open("rb") as stream:
        client.api.load_image(stream, quiet=True)  # type: ignore[no-untyped-call]
    if engine.inspect(client, image.digest) is None:
        raise EngineError(
            f"the engine loaded {image.digest}, and does not list it: it must use the containerd image store",
            hint="python -m builder doctor",
        )


def write(archive: Path, image: ImageDocuments, layer: Blob) -> None:
    """Writes an OCI layout as a tar, without the layers that the engine has."""
    entry = descriptor(MANIFEST, image.digest.removeprefix("sha256:"), len(image.manifest))
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    with tarfile.open(archive, "w") as tar:
        add(tar, "oci-layout", LAYOUT)
        add(tar, "index.json", index)
        for content in (image.manifest, image.config):
            add(tar, f"blobs/sha256/{sha256(content).removeprefix('sha256:')}", content)
        tar.add(layer.path, f"blobs/sha256/{layer.digest.removeprefix('sha256:')}")


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
