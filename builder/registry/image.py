"""Reads one image in a registry: which manifest of an index it is, then its configuration, labels and layers.

A manifest is the image. Of an index, the image is the one entry for the platform that is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from builder.errors import RegistryError
from builder.host.architecture import architecture
from builder.registry import blobs, manifests
from builder.registry.descriptors import UNKNOWN, Descriptor, descriptor, listed, mapping, text
from builder.registry.manifests import DOCKER_INDEX, MISSING, OCI_INDEX, Manifest
from builder.registry.session import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryImage:
    """An image as its registry has it: the two documents, and what they say."""

    digest: str
    """Of what was asked for: of the index, where there is one."""
    manifest: Manifest
    config: bytes = field(repr=False)
    """The configuration, to the byte; `configuration` is what it says."""
    configuration: Mapping[str, Any] = field(repr=False)
    layers: tuple[Descriptor, ...]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What a container gets: its environment, user and labels."""
        return mapping(self.configuration.get("config"))

    @property
    def labels(self) -> dict[str, str]:
        found = mapping(self.settings.get("Labels"))
        return {key: value for key, value in found.items() if isinstance(value, str)}

    @property
    def architecture(self) -> str:
        """By its name in OCI, such as `amd64`; empty when the configuration does not say."""
        return text(self.configuration.get("architecture"))

    @property
    def created(self) -> int:
        """When it was made, in seconds since 1970; 0 when the configuration does not say."""
        try:
            return int(datetime.fromisoformat(text(self.configuration.get("created"))).timestamp())
        except (ValueError, OverflowError):
            return 0


def read(connection: Connection, repository: str, version: str, platform: str | None = None) -> RegistryImage:
    """The image that a tag or digest names; raises RegistryError, also when there is none."""
    found = find(connection, repository, version, platform)
    if found is None:
        where = f"{connection.host}/{repository}{'@' if ':' in version else ':'}{version}"
        raise RegistryError(f"{where}: no such image", status=MISSING)
    return found


def find(connection: Connection, repository: str, version: str, platform: str | None = None) -> RegistryImage | None:
    """The image that a tag or digest names, or None when nothing has that name.

    `platform` chooses from an index; it is linux on the architecture of this machine when nothing is said. Raises
    RegistryError when the index has no such entry, or several.
    """
    named = manifests.manifest(connection, repository, version)
    if named is None:
        return None
    where = f"{connection.host}/{repository}@{named.digest}"
    if named.media_type not in (OCI_INDEX, DOCKER_INDEX):
        return image_of(connection, repository, named, named.digest)
    entries = listed(named.document, "manifests", where)
    entry = chosen(entries, platform or f"linux/{architecture()}", where)
    manifest = manifests.manifest(connection, repository, entry.digest)
    if manifest is None:
        raise RegistryError(f"{connection.host}/{repository}@{entry.digest}: an index lists it, and it is not there")
    return image_of(connection, repository, manifest, named.digest)


def chosen(entries: Sequence[Descriptor], platform: str, where: str) -> Descriptor:
    """The one entry for the platform, os/architecture; raises RegistryError that names what there is."""
    images = [one for one in entries if one.platform != UNKNOWN]
    found = [one for one in images if one.platform == platform or one.platform.startswith(f"{platform}/")]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{one.platform or 'no platform'} {one.digest}" for one in found or images) or "nothing"
    what = f"several images for {platform}" if found else f"no image for {platform}"
    hint = f"name one by its digest: {where.partition('@')[0]}@{images[0].digest}" if images else None
    raise RegistryError(f"{where}: an index with {what}: it has {there}", hint=hint)


def image_of(connection: Connection, repository: str, manifest: Manifest, digest: str) -> RegistryImage:
    """The image of a manifest, once its configuration is read; raises RegistryError when it is no image."""
    where = f"{connection.host}/{repository}@{manifest.digest}"
    document = manifest.document
    if "config" not in document:
        raise RegistryError(f"{where}: it is no image: it has no configuration")
    name = descriptor(document["config"], f"{where}: its configuration").digest
    config = blobs.small(connection, repository, name)
    return RegistryImage(
        digest=digest,
        manifest=manifest,
        config=config,
        configuration=manifests.parsed(config, f"{where}: its configuration {name}"),
        layers=listed(document, "layers", where),
    )
