"""What is known about each cell and its image, as values and as image-info.json.

The catalogue, references and comparisons read it. `image-info.schema.json` in this folder is its schema; the number
`schema` grows with each incompatible change.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from builder.build import fingerprint
from builder.build.fingerprint import Inputs
from builder.build.recorded import Recorded
from builder.build.records import Record
from builder.matrix.names import cell
from builder.matrix.spec import Device, ImageSpec, Pin

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SCHEMA = 2
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
    recorded: Recorded | None
    """The committed record of the cell; None where there is none."""
    tags: tuple[str, ...]
    """The rolling tags that the image of this cell has, or would get."""
    pins: tuple[Pin, ...]
    image: Image | None

    def value(self, pin: str) -> str | None:
        """The version of the pin with that name, or None."""
        return next((one.value for one in self.pins if one.name == pin), None)


def info_of(spec: ImageSpec, image: Image | None, recorded: Recorded | None = None) -> Info:
    """What row and record say of the cell, together with its image; `image` is None when none was found."""
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
        recorded=recorded,
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
        **keyed(info),
        "recorded": recorded_document(info.recorded) if info.recorded else None,
        "pins": {pin.name: pin.document() for pin in info.pins},
        "image": image_document(info.image) if info.image else None,
    }


def recorded_document(recorded: Recorded) -> dict[str, Any]:
    return {**keyed(recorded.record), "note": recorded.note}


def keyed(value: "DataclassInstance") -> dict[str, Any]:
    """The fields under the keys of the file, for example `is_default_platform` under `default-platform`."""
    return {key_of(field.name): getattr(value, field.name) for field in fields(value)}


def named(kind: "type[DataclassInstance]", entry: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an entry under the names of the fields, the other way round."""
    return {field.name: entry[key_of(field.name)] for field in fields(kind)}


def key_of(name: str) -> str:
    return name.removeprefix("is_").replace("_", "-")


def image_document(image: Image) -> dict[str, Any]:
    verified = image.verification
    return {
        "digest": image.digest,
        "fingerprint": image.fingerprint,
        "base": image.base,
        "architecture": image.architecture,
        "current": image.is_current,
        "size": {"compressed": image.compressed, "unpacked": image.unpacked},
        "layers": [keyed(one) for one in image.layers],
        "places": [keyed(one) for one in image.places],
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
    values = {
        **named(Info, entry),
        "tags": tuple(entry["tags"]),
        "pins": tuple(pin_from(name, pin) for name, pin in entry["pins"].items()),
        "image": image_from(entry["image"]) if entry["image"] else None,
        "recorded": recorded_from(entry["recorded"]) if entry["recorded"] else None,
    }
    return Info(**values)


def recorded_from(entry: Mapping[str, Any]) -> Recorded:
    return Recorded(record=Record(**named(Record, entry)), note=entry["note"])


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
        layers=tuple(Layer(**named(Layer, one)) for one in entry["layers"]),
        places=tuple(place_from(one) for one in entry["places"]),
        verification=LastVerification(**named(LastVerification, verified)) if verified else None,
        sbom=entry["sbom"],
        inputs=fingerprint.parse(json.dumps(entry["inputs"])) if entry["inputs"] else None,
    )


def place_from(entry: Mapping[str, Any]) -> ImageLocation:
    return ImageLocation(**{**named(ImageLocation, entry), "tags": tuple(entry["tags"])})
