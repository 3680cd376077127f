"""What somebody who may write to a registry, and has no key, can do to an image there."""

import io
import json
import tarfile

from builder.registry import blobs, image, manifests
from builder.registry.manifests import OCI_MANIFEST
from builder.registry.session import Connection
from tests.support.registries import stored


def with_layer(connection: Connection, repository: str, digest: str, *, created: str | None = None) -> str:
    """The digest of the same image with a layer on top: its labels are inherited, and its date unless one is given."""
    found = image.read(connection, repository, digest)
    content = layer()
    config = json.loads(found.config)
    config["rootfs"]["diff_ids"].append(manifests.digest_of(content))
    config["history"].append({"created_by": "COPY evil /"})
    config["created"] = created or config["created"]
    made = json.dumps(config).encode()
    blobs.put(connection, repository, manifests.digest_of(made), made)
    document = json.loads(found.manifest.content)
    document["config"] |= {"digest": manifests.digest_of(made), "size": len(made)}
    media_type = "application/vnd.oci.image.layer.v1.tar"
    document["layers"].append({**stored(connection, repository, content), "mediaType": media_type})
    body = json.dumps(document).encode()
    return manifests.put(connection, repository, manifests.digest_of(body), body, OCI_MANIFEST).digest


def layer() -> bytes:
    """A layer with a file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("evil"))
    return stream.getvalue()


def move(connection: Connection, repository: str, tag: str, digest: str) -> None:
    """Point a tag to another image of the repository."""
    found = manifests.manifest(connection, repository, digest)
    assert found
    manifests.put(connection, repository, tag, found.content, found.media_type)
