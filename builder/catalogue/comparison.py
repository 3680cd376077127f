"""The differences between two images: pins, packages of each kind, and the bytes of each layer. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.matrix.spec import PinnedImage
from builder.verify.inventory import Package

KINDS = {"deb": "Debian", "conda": "conda", "pypi": "Python"}
VENDORED = "/_vendor/"
Versions = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two sides: versions of pins, versions of packages by kind, bytes of layers by what made them.

    A kind of package that is missing here is not known, and not compared: a row, for example, lists no Debian packages.
    """

    name: str
    pins: Versions
    packages: Mapping[str, Versions]
    layers: Mapping[str, int] = field(default_factory=dict)


def side_of_row(pinned: PinnedImage) -> Side:
    """The side of a cell that need not be built: its pins, and the Python distributions in the lock."""
    spec = pinned.spec
    found = {one.name: one.version for one in pinned.distributions}
    pins = {pin.name: pin.value for pin in spec.pins}
    return Side(name=f"row {spec.framework} {spec.version}", pins=pins, packages={"pypi": found})


def versions(packages: Iterable[Package]) -> dict[str, dict[str, str]]:
    """The versions by kind and name, without packages inside `_vendor`; a name found twice gives `1.0 and 2.0`."""
    found: dict[str, dict[str, set[str]]] = {kind: {} for kind in KINDS}
    for package in packages:
        if VENDORED in package.path:
            continue
        found[package.ecosystem].setdefault(package.name, set()).add(package.version)
    return {
        kind: {name: " and ".join(sorted(several)) for name, several in sorted(names.items())}
        for kind, names in found.items()
    }


def differences(old: Side, new: Side) -> Iterator[dict[str, Any]]:
    """Each difference, in a fixed order, with the keys `kind`, `name`, `change`, `before` and `after`.

    `before` is None for what was added, `after` for what was removed.
    """
    yield from differing("pin", old.pins, new.pins)
    for kind, title in KINDS.items():
        if kind in old.packages and kind in new.packages:
            yield from differing(title, old.packages[kind], new.packages[kind])
    if old.layers and new.layers:
        yield from differing("layer", old.layers, new.layers)


def differing(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before != after:
            change = "added" if before is None else "removed" if after is None else "changed"
            yield {"kind": kind, "name": name, "change": change, "before": before, "after": after}
