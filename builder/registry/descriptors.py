"""Descriptors: how a manifest or an index names its parts, each with a digest that was looked at before it is used.

https://github.com/opencontainers/image-spec/blob/main/descriptor.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.errors import RegistryError
from builder.matrix.reference import DIGEST

UNKNOWN = "unknown/unknown"
"""The platform of what buildx attests about an image, beside it in an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A part of an image; `size` is in bytes."""

    digest: str
    size: int
    media_type: str = ""
    platform: str = ""
    """Such as `linux/amd64` or `linux/arm/v7`, in an index."""


def parts(document: Mapping[str, Any], what: str) -> tuple[Descriptor, ...]:
    """Everything that a manifest or an index names, its configuration last; raises RegistryError."""
    config = {"config": [document["config"]]} if "config" in document else {}
    return (*listed(document, "manifests", what), *listed(document, "layers", what), *listed(config, "config", what))


def listed(document: Mapping[str, Any], field: str, what: str) -> tuple[Descriptor, ...]:
    """The descriptors in a list of the document; raises RegistryError when one is no descriptor."""
    entries = document.get(field) or ()
    if not isinstance(entries, (list, tuple)):
        raise RegistryError(f"{what}: its {field} are no list")
    return tuple(descriptor(one, f"{what}: its {field}") for one in entries)


def descriptor(entry: object, what: str) -> Descriptor:
    """The descriptor in a document; raises RegistryError, as a digest becomes a path and a part of a URL."""
    found = entry if isinstance(entry, Mapping) else {}
    digest, size = found.get("digest"), found.get("size")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise RegistryError(f"{what}: no digest of the form sha256:<64 hexadecimal digits>")
    if not isinstance(size, int) or size < 0:
        raise RegistryError(f"{what}: {digest} has no size")
    platform = found.get("platform")
    return Descriptor(
        digest=digest,
        size=size,
        media_type=str(found.get("mediaType") or ""),
        platform=platform_of(platform) if isinstance(platform, Mapping) else "",
    )


def platform_of(found: Mapping[str, Any]) -> str:
    """The platform as docker writes it: os/architecture, and the variant where there is one."""
    words = (found.get("os"), found.get("architecture"), found.get("variant"))
    return "/".join(word for word in words if isinstance(word, str) and word)


def mapping(value: object) -> Mapping[str, Any]:
    """The value when it is a mapping, else an empty one: for documents that others wrote."""
    return value if isinstance(value, Mapping) else {}


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """The value when it is a count or a size, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def list_in(document: Mapping[str, Any], key: str) -> list[Any]:
    """The list of that name in a document that others wrote, else an empty one."""
    found = document.get(key)
    return found if isinstance(found, list) else []
