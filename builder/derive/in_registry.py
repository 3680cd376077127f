"""Reads a base in a registry, and stores derived images there: only manifests and new layers are sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

from builder.build import fingerprint
from builder.build.oci_layout import ImageDocuments
from builder.dependencies.lockfile import Lock, key
from builder.derive.contents import promise
from builder.derive.request import Contents, Held
from builder.errors import InputError, RegistryError
from builder.matrix.names import LABEL_INPUTS
from builder.matrix.reference import Reference
from builder.matrix.spec import ImageSpec
from builder.registry import image as image_reader
from builder.registry import manifests
from builder.registry.descriptors import list_in, mapping
from builder.registry.session import Connection

PULL = "docker pull it, and derive from it here"


def documents(connection: Connection, reference: Reference) -> ImageDocuments | None:
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
