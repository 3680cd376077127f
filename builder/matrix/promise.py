"""What an image promises: one value, made of a row of the matrix, written into a label, and read from it strictly.

Anybody can make an image, and write its labels. So a label never chooses a path, a check or a command. Each name in it
keeps to the rules of the matrix, and each pin has one of our probes. Everything else is refused.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from builder.errors import InputError
from builder.matrix import probes
from builder.matrix.names import LABEL_ROW, NAME
from builder.matrix.spec import DEVICES, Device, ImageSpec
from builder.matrix.version import VERSION_PATTERN

T = TypeVar("T")
LONGEST = 64_000
"""In characters; the longest label of ours has about 2,000."""
MEASURED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_~-]{0,99}")
"""The version of a pin: also one that somebody's own environment moved, which no row has to accept."""
KEYS = frozenset({"framework", "version", "device", "platform", "os", "pins"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedPin:
    """A version, and the probe that reads it inside the image, for example `dpkg:libnccl2`."""

    value: str
    probe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What an image holds, as its row says."""

    framework: str
    version: str
    device: Device
    platform: str
    os_id: str
    os_version: str
    pins: Mapping[str, PromisedPin]

    @property
    def cell(self) -> str:
        """The name of the cell, for example `pytorch/1.6.0-gpu-debian12`."""
        return f"{self.framework}/{self.version}-{self.device}-{self.platform}"

    def values(self) -> dict[str, str]:
        """The version of each pin."""
        return {name: pin.value for name, pin in self.pins.items()}

    def distributions(self) -> dict[str, str]:
        """The version of each pin that is a Python distribution."""
        return {name: pin.value for name, pin in self.pins.items() if pin.probe == "python-distribution"}

    def document(self) -> dict[str, Any]:
        """The promise as JSON shows it: in the label, in statements and in reports."""
        return {
            "framework": self.framework,
            "version": self.version,
            "device": self.device,
            "platform": self.platform,
            "os": {"id": self.os_id, "version": self.os_version},
            "pins": {name: {"value": pin.value, "probe": pin.probe} for name, pin in self.pins.items()},
        }

    def to_label(self) -> str:
        """The label: one line of JSON, its keys sorted."""
        return json.dumps(self.document(), sort_keys=True, separators=(",", ":"))


def promise_of(spec: ImageSpec) -> Promise:
    """What the images of a cell promise."""
    return Promise(
        framework=spec.framework,
        version=spec.version,
        device=spec.device,
        platform=spec.platform.name,
        os_id=spec.platform.os_id,
        os_version=spec.platform.os_version,
        pins={pin.name: PromisedPin(value=pin.value, probe=pin.probe) for pin in spec.pins},
    )


def from_label(text: str) -> Promise:
    """The promise in a label; raises ValueError for anything that `to_label` did not write."""
    return read_label(text, read, LONGEST)


def read_label(text: str, read: Callable[[Any], T], longest: int) -> T:
    """What `read` makes of the JSON in a label; raises ValueError when it has another shape, or a key twice."""
    if len(text) > longest:
        raise ValueError(f"it has more than {longest:,} characters")
    try:
        return read(json.loads(text, object_pairs_hook=unique))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has a key twice")
    return found


def only(content: Mapping[str, Any], keys: frozenset[str]) -> None:
    """Raise ValueError unless the content has these keys and no others."""
    if unknown := content.keys() ^ keys:
        raise ValueError(f"{min(unknown)!a:.60} is unknown or missing")


def read(content: Mapping[str, Any]) -> Promise:
    """The promise in parsed JSON; raises ValueError, or an error of the shape."""
    only(content, KEYS)
    if not content["pins"]:
        raise ValueError("it has no pins")
    system = content["os"]
    only(system, frozenset({"id", "version"}))
    return Promise(
        framework=matched(content["framework"], NAME),
        version=matched(content["version"], VERSION_PATTERN),
        device=device(content["device"]),
        platform=matched(content["platform"], NAME),
        os_id=matched(system["id"], NAME),
        os_version=matched(system["version"], VERSION_PATTERN),
        pins={matched(name, NAME): pin(name, one) for name, one in sorted(content["pins"].items())},
    )


def matched(value: object, pattern: re.Pattern[str]) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise ValueError(f"{value!a:.60} is no such name or version as a matrix has")


def device(value: object) -> Device:
    if found := next((one for one in DEVICES if one == value), None):
        return found
    raise ValueError(f"{value!a:.60} is no device")


def pin(name: str, content: Mapping[str, Any]) -> PromisedPin:
    only(content, frozenset({"value", "probe"}))
    probe = matched(content["probe"], probes.PROBE)
    if wrong := probes.problem(name, probe):
        raise ValueError(wrong)
    return PromisedPin(value=matched(content["value"], MEASURED), probe=probe)


def promise_in(labels: Mapping[str, Any], image: str, hint: str) -> Promise:
    """What the labels of an image promise; raises InputError, naming the image, when that is nothing."""
    text = labels.get(LABEL_ROW)
    if text is None:
        raise InputError(f"{image}: it has no label {LABEL_ROW}, so nothing says what it promises", hint=hint)
    try:
        return from_label(str(text))
    except ValueError as error:
        raise InputError(f"{image}: the label {LABEL_ROW} is not a row: {error}", hint=hint) from None


def promise_or_none(labels: Mapping[str, Any]) -> Promise | None:
    """What the labels of an image promise; None for an image of others."""
    try:
        return from_label(str(labels.get(LABEL_ROW) or ""))
    except ValueError:
        return None


def platform_in(labels: Mapping[str, Any]) -> str:
    """The platform that an image says it stands on; empty for an image of others."""
    promised = promise_or_none(labels)
    return promised.platform if promised else ""


def cell_in(labels: Mapping[str, Any]) -> str:
    """The cell that an image says it is of; empty for an image of others."""
    promised = promise_or_none(labels)
    return promised.cell if promised else ""
