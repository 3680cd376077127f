"""Reads a base in a registry, and stores derived images there: only manifests and new layers are sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

from builder.build import fingerprint
from builder.build.oci_layout import ImageDocuments
from builder.dependencies.lockfile import Lock, key
from builder.derive.contents import parsed, promise
from builder.derive.request import Contents
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
    said = [(one, version, *needs(one, version, lock)) for one, version in versions.items()]
    short = ".".join(python.split(".")[:2])
    place = f"/opt/env/lib/python{short}/site-packages"
    found = {"python": python, "glibc": spec.platform.glibc, "site_packages": place, "conda": None}
    try:
        return parsed(str(image["Id"]), promised, {**found, "distributions": said})
    except ValueError as error:
        raise InputError(f"{image['Id']}: its labels do not say what it holds: {error}", hint=PULL) from None


def needs(name: str, version: str, lock: Lock) -> tuple[tuple[str, ...], str]:
    """What a distribution requires, and of which Python, as far as the lock knows it."""
    found = lock.requirements.get(key(name, version))
    return (found.requires, found.python) if found else ((), "")
