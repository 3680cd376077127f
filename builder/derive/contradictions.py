"""Finds requirements that contradict what the image holds, and explains each with what it would break. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.dependencies.lockfile import Lock, key
from builder.dependencies.pep508 import Requirements, holds
from builder.derive.request import Asked, Contents, Held, ParsedRequest
from builder.matrix.names import cell, closure
from builder.matrix.promise import Promise
from builder.matrix.spec import ImageSpec
from builder.matrix.version import order
from builder.matrix.yaml_positions import near

NEAREST = 3


def contradictions(wanted: ParsedRequest, held: Contents, cells: Sequence[ImageSpec], lock: Lock) -> list[str]:
    """One text for each requirement that contradicts the image, in the request's order; overrides are left out."""
    asked = [one for one in wanted.requirements if name_of(one) not in wanted.overrides]
    return [explained(one, held, cells, lock) for one in asked if contradicts(one, held)]


def name_of(one: Asked) -> str:
    return canonicalize_name(Requirement(one.text).name)


def contradicts(one: Asked, held: Contents) -> bool:
    """Whether it applies, and the image has another version. A URL names another file, so every version is another."""
    here = held.distributions.get(name_of(one))
    found = Requirement(one.text)
    if here is None or not holds(found, held.python):
        return False
    return found.url is not None or not found.specifier.contains(here.version, prereleases=True)


def explained(one: Asked, held: Contents, cells: Sequence[ImageSpec], lock: Lock) -> str:
    """The problem: both versions, the distributions that would break, the cells that agree, and the override."""
    name, found = name_of(one), Requirement(one.text)
    here = held.distributions[name]
    why = f"a pin of {held.promise.cell}" if name in held.promise.distributions() else "which other packages of it need"
    lines = [f"{one.place}: {one.text}: the image holds {name} {here.version}, {why}"]
    lines += [f"  {text}   (it would break)" for text in companions(name, found.specifier, held, lock)]
    lines += [f"  {text}" for text in too_new(name, found.specifier, held, lock)]
    rows = nearest_rows(name, found.specifier, held, cells, lock)
    lines.append(f"  rows that hold it: {', '.join(rows) or 'none'}")
    lines.append(f"  to replace it all the same: --override {name}")
    return "\n".join(lines)


def companions(name: str, specifier: SpecifierSet, held: Contents, lock: Lock) -> Iterator[str]:
    """One line for each distribution of the image that no version asked for satisfies."""
    versions = candidates(name, specifier, lock)
    for other, what in sorted(held.distributions.items()):
        for need in needs(what, name, held.python):
            if not any(need.specifier.contains(version, prereleases=True) for version in versions):
                yield f"{other} {what.version} requires {name}{need.specifier}"


def needs(what: Held, name: str, python: str) -> list[Requirement]:
    """The requirements of the distribution on the one called `name`, on this Python and without extras."""
    found = map(Requirement, what.requires)
    return [one for one in found if canonicalize_name(one.name) == name and holds(one, python)]


def candidates(name: str, specifier: SpecifierSet, lock: Lock) -> set[str]:
    """The versions that a specifier admits, as far as known: those it names with `==`, and those in the lock."""
    exact = {one.version for one in specifier if one.operator in ("==", "===") and not one.version.endswith(".*")}
    known = Requirements(lock.requirements).versions(name)
    return exact | {version for version in known if specifier.contains(version, prereleases=True)}


def too_new(name: str, specifier: SpecifierSet, held: Contents, lock: Lock) -> Iterator[str]:
    """One line for each version asked for that the image's Python is too old or too new for."""
    for version in sorted(candidates(name, specifier, lock), key=Version):
        found = lock.requirements.get(key(name, version))
        if found and found.python and not SpecifierSet(found.python).contains(held.python):
            yield f"{name} {version} requires Python {found.python}, the image has {held.python}"


def nearest_rows(
    name: str, specifier: SpecifierSet, held: Contents, cells: Iterable[ImageSpec], lock: Lock
) -> tuple[str, ...]:
    """The names of at most three cells that hold what is asked for: the same device and platform, then the newest."""
    newest = sorted(cells, key=lambda spec: order(spec.version), reverse=True)
    found = [spec for spec in newest if fits(version_in(spec, name, lock), specifier)]
    return tuple(cell(spec) for spec in sorted(found, key=lambda spec: likeness(spec, held.promise)))[:NEAREST]


def likeness(spec: ImageSpec, mine: Promise) -> tuple[bool, bool]:
    """A sort key: the same device first, then the same platform."""
    return (spec.device != mine.device, spec.platform.name != mine.platform)


def version_in(spec: ImageSpec, name: str, lock: Lock) -> str:
    """The version of a distribution in a cell: its pin, else the locked version; empty when the cell has none."""
    for pin in spec.pins:
        if pin.probe == "python-distribution" and canonicalize_name(pin.name) == name:
            return pin.value
    locked = lock.closures.get(closure(spec))
    return next((one.version for one in locked.distributions if one.name == name), "") if locked else ""


def fits(version: str, specifier: SpecifierSet) -> bool:
    return bool(version) and specifier.contains(version, prereleases=True)


def freed(held: Contents, overrides: Iterable[str]) -> frozenset[str]:
    """The names to resolve anew: the overridden distributions, and those of the image that require one of them."""
    names = frozenset(overrides)
    related = (
        other
        for other, what in held.distributions.items()
        if any(needs(what, name, held.python) for name in names & held.distributions.keys())
    )
    return names | frozenset(related)


def unknown_overrides(wanted: ParsedRequest, held: Contents) -> list[str]:
    """One problem for each override of a distribution that the image does not hold."""
    lacking = sorted(wanted.overrides - held.distributions.keys())
    return [f"--override {name}: the image holds no {name}{near(name, held.distributions)}" for name in lacking]
