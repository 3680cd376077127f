"""What is known about each cell and its image, as values and as image-info.json.

The catalogue, references and comparisons read it. `image-info.schema.json` in this folder is its schema; the number
`schema` grows with each incompatible change.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.build import fingerprint
from builder.build.fingerprint import Inputs
from builder.matrix.names import cell
from builder.matrix.spec import Device, ImageSpec, Pin

SCHEMA = 1
COMMAND = "python -m builder image-info"
BASE = "the base"
"""The `made_by` of a layer that belongs to the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer; `digest` is its diff id, the sha256 of its tar, and `made_by` the instruction that made it."""

    digest: str
    made_by: str
    compressed: int | None = None
    """Bytes in a registry; None when no registry was asked."""
    unpacked: int | None = None
    """Bytes on an engine; None when no engine was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLocation:
    """A repository that has the image, and its tags there; others can pull it only when it is in a registry."""

    repository: str
    is_registry: bool
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastVerification:
    """The last time a digest passed its checks: when (UTC, ISO 8601), a summary line, and the checks' version."""

    when: str
    summary: str
    checks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image that was found of a cell; `compressed` and `unpacked` are bytes, None when they are not known."""

    digest: str
    fingerprint: str
    base: str
    architecture: str
    is_current: bool
    """Whether the promise in its label is that of the cell in today's matrix."""
    compressed: int | None
    unpacked: int | None
    layers: tuple[Layer, ...]
    places: tuple[ImageLocation, ...]
    verification: LastVerification | None
    sbom: str | None
    inputs: Inputs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """A cell of the matrix, and its image when one was found."""

    name: str
    framework: str
    title: str
    version: str
    device: Device
    platform: str
    os: str
    is_default_platform: bool
    is_latest: bool
    built_on: str | None
    tags: tuple[str, ...]
    """The rolling tags that the image of this cell has, or would get."""
    pins: tuple[Pin, ...]
    image: Image | None

    def value(self, pin: str) -> str | None:
        """The version of the pin with that name, or None."""
        return next((one.value for one in self.pins if one.name == pin), None)


def info_of(spec: ImageSpec, image: Image | None) -> Info:
    """What the row says of the cell, together with its image; `image` is None when none was found."""
    return Info(
        name=cell(spec),
        framework=spec.framework,
        title=spec.title,
        version=spec.version,
        device=spec.device,
        platform=spec.platform.name,
        os=f"{spec.platform.os_id} {spec.platform.os_version}",
        is_default_platform=spec.is_default_platform,
        is_latest=spec.is_latest,
        built_on=spec.built_on,
        tags=spec.rolling_tags,
        pins=spec.pins,
        image=image,
    )


def dump(infos: Iterable[Info]) -> str:
    """The text of image-info.json; the same images give the same text."""
    content = {
        "schema": SCHEMA,
        "generated": f"by `{COMMAND}`: do not edit",
        "images": [document(info) for info in infos],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def document(info: Info) -> dict[str, Any]:
    """The entry of one cell."""
    return {
        "name": info.name,
        "framework": info.framework,
        "title": info.title,
        "version": info.version,
        "device": info.device,
        "platform": info.platform,
        "os": info.os,
        "default-platform": info.is_default_platform,
        "latest": info.is_latest,
        "built-on": info.built_on,
        "tags": list(info.tags),
        "pins": {pin.name: pin_document(pin) for pin in info.pins},
        "image": image_document(info.image) if info.image else None,
    }


def pin_document(pin: Pin) -> dict[str, str]:
    found = {"value": pin.value, "documented": pin.documented, "because": pin.reason, "probe": pin.probe}
    return {key: value for key, value in found.items() if value is not None}


def image_document(image: Image) -> dict[str, Any]:
    verified = image.verification
    return {
        "digest": image.digest,
        "fingerprint": image.fingerprint,
        "base": image.base,
        "architecture": image.architecture,
        "current": image.is_current,
        "size": {"compressed": image.compressed, "unpacked": image.unpacked},
        "layers": [
            {"digest": one.digest, "made-by": one.made_by, "compressed": one.compressed, "unpacked": one.unpacked}
            for one in image.layers
        ],
        "places": [
            {"repository": one.repository, "registry": one.is_registry, "tags": list(one.tags)} for one in image.places
        ],
        "verified": (
            {"when": verified.when, "verdict": "passed", "summary": verified.summary, "checks": verified.checks}
            if verified
            else None
        ),
        "sbom": image.sbom,
        "inputs": {"schema": fingerprint.SCHEMA, **fingerprint.document(image.inputs)} if image.inputs else None,
    }


def info_from(entry: Mapping[str, Any]) -> Info:
    """The cell and image of an entry; the entry must be valid by the schema."""
    return Info(
        name=entry["name"],
        framework=entry["framework"],
        title=entry["title"],
        version=entry["version"],
        device=entry["device"],
        platform=entry["platform"],
        os=entry["os"],
        is_default_platform=entry["default-platform"],
        is_latest=entry["latest"],
        built_on=entry["built-on"],
        tags=tuple(entry["tags"]),
        pins=tuple(pin_from(name, pin) for name, pin in entry["pins"].items()),
        image=image_from(entry["image"]) if entry["image"] else None,
    )


def pin_from(name: str, entry: Mapping[str, str]) -> Pin:
    return Pin(
        name=name,
        value=entry["value"],
        probe=entry["probe"],
        documented=entry.get("documented"),
        reason=entry.get("because"),
    )


def image_from(entry: Mapping[str, Any]) -> Image:
    verified = entry["verified"]
    return Image(
        digest=entry["digest"],
        fingerprint=entry["fingerprint"],
        base=entry["base"],
        architecture=entry["architecture"],
        is_current=entry["current"],
        compressed=entry["size"]["compressed"],
        unpacked=entry["size"]["unpacked"],
        layers=tuple(layer_from(one) for one in entry["layers"]),
        places=tuple(place_from(one) for one in entry["places"]),
        verification=(
            LastVerification(when=verified["when"], summary=verified["summary"], checks=verified["checks"])
            if verified
            else None
        ),
        sbom=entry["sbom"],
        inputs=fingerprint.parse(json.dumps(entry["inputs"])) if entry["inputs"] else None,
    )


def layer_from(entry: Mapping[str, Any]) -> Layer:
    return Layer(
        digest=entry["digest"], made_by=entry["made-by"], compressed=entry["compressed"], unpacked=entry["unpacked"]
    )


def place_from(entry: Mapping[str, Any]) -> ImageLocation:
    return ImageLocation(repository=entry["repository"], is_registry=entry["registry"], tags=tuple(entry["tags"]))
