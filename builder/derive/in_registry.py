"""Reads a base in a registry, and stores derived images there: only manifests and new layers are sent."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from builder.build import fingerprint
from builder.build.oci_layout import MANIFEST
from builder.dependencies.lockfile import Lock, key
from builder.derive.blob import Blob
from builder.derive.contents import promise
from builder.derive.manifest import ImageDocuments
from builder.derive.request import Contents, Held
from builder.errors import InputError, RegistryError
from builder.matrix.names import LABEL_INPUTS
from builder.matrix.reference import Reference
from builder.matrix.spec import ImageSpec
from builder.registry import blobs, manifests
from builder.registry import connection as transport
from builder.registry import image as image_reader
from builder.registry.descriptors import list_in, listed, mapping

if TYPE_CHECKING:
    import docker

CHUNK = 1 << 20
PULL = "docker pull it, and derive from it here"


def documents(connection: transport.Connection, reference: Reference) -> ImageDocuments | None:
    """The manifest and the configuration of an image, or None when there is none; raises RegistryError."""
    found = image_reader.find(connection, reference.repository, reference.version)
    if found and len(list_in(mapping(found.configuration.get("rootfs")), "diff_ids")) != len(found.layers):
        raise RegistryError(f"{reference}: its configuration lists other layers than its manifest", hint=PULL)
    return ImageDocuments(manifest=found.manifest.content, config=found.config) if found else None


def described(image: ImageDocuments) -> dict[str, Any]:
    """The image as the engine would describe it."""
    inner = mapping(manifests.parsed(image.config, image.digest).get("config"))
    labels = {name: one for name, one in mapping(inner.get("Labels")).items() if isinstance(one, str)}
    return {"Id": image.digest, "Config": {**inner, "Labels": labels}, "RepoTags": []}


def contents(image: Mapping[str, Any], cells: Sequence[ImageSpec], lock: Lock) -> Contents:
    """What an image holds, by its labels and the lock; raises InputError when they are incomplete."""
    promised = promise(image)
    spec = next((one for one in cells if one.platform.name == promised.platform), None)
    label = (image["Config"].get("Labels") or {}).get(LABEL_INPUTS)
    try:
        lists = fingerprint.parse(label or "").lists
    except ValueError:
        lists = {}
    versions = {
        canonicalize_name(one): version
        for file, found in lists.items()
        for one, version in found.items()
        if file.startswith("requirements/")
    }
    if spec is None or not versions or {"python"} - promised.pins.keys() or "miniconda" in promised.pins:
        raise InputError(f"{image['Id']}: its labels do not say all that it holds", hint=PULL)
    python = promised.pins["python"].value
    short = ".".join(python.split(".")[:2])
    return Contents(
        digest=str(image["Id"]),
        promise=promised,
        python=python,
        glibc=spec.platform.glibc,
        distributions={one: held(one, version, lock) for one, version in versions.items()},
        site_packages=f"/opt/env/lib/python{short}/site-packages",
    )


def held(name: str, version: str, lock: Lock) -> Held:
    found = lock.requirements.get(key(name, version))
    return Held(version=version, requires=found.requires if found else (), python=found.python if found else "")


def send(connection: transport.Connection, to: Reference, image: ImageDocuments, layer: Blob, origin: str) -> None:
    """Store the image under its digest. New blobs are sent, those of the base are mounted from the repository `origin`.

    Safe to repeat. Raises RegistryError.
    """
    body = json.loads(image.manifest)
    for below in listed(body, "layers", image.digest):
        if below.digest == layer.digest or blobs.size(connection, to.repository, below.digest) is not None:
            continue
        if not blobs.mount(connection, to.repository, below.digest, origin):
            raise RegistryError(
                f"{connection.host}/{to.repository}: a layer of the base is not in {connection.host}/{origin}",
                hint="the base has to be in that registry: push it there first",
            )
    if blobs.size(connection, to.repository, layer.digest) is None:
        blobs.upload(connection, to.repository, layer.digest, layer.size, lambda: chunks(layer))
    blobs.put(connection, to.repository, str(body["config"]["digest"]), image.config)
    manifests.put(connection, to.repository, image.digest, image.manifest, MANIFEST)


def chunks(layer: Blob) -> Iterator[bytes]:
    with layer.path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def name(connection: transport.Connection, to: Reference, image: ImageDocuments) -> None:
    """Give the stored image its tag; raises RegistryError when another image has the tag, which is never moved."""
    before = manifests.digest(connection, to.repository, str(to.tag))
    if before not in (None, image.digest):
        raise RegistryError(f"{to} is already {before}, and is never moved to {image.digest}")
    if before is None:
        manifests.put(connection, to.repository, str(to.tag), image.manifest, MANIFEST)


def pull(client: "docker.DockerClient", to: Reference, image: ImageDocuments) -> None:
    """Make the engine hold the stored image, so that it can be verified."""
    client.api.pull(to.name, tag=image.digest)
