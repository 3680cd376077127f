"""Finds rows that cannot be installed or cannot work, before anything is built. Pure: it reads the lock's metadata."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.dependencies.conflict_rules import Clash, Found, Row, clashes
from builder.dependencies.known_breaks import Rules, Severity
from builder.dependencies.lockfile import Lock, asked
from builder.dependencies.pep508 import Requirements
from builder.matrix.names import cell, closure
from builder.matrix.spec import ImageSpec
from builder.matrix.version import is_version

PIP = "python-distribution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One clash, the cells that have it, and the nearest pin that works, or None when the lock knows none."""

    cells: tuple[str, ...]
    clash: Clash
    works: str | None

    @property
    def severity(self) -> Severity:
        return self.clash.severity

    def __str__(self) -> str:
        """The finding as a person reads it at the terminal."""
        width = max(len(rule) for rule, _ in self.clash.rules)
        lines = [f"matrix.yaml: {together(self.cells)}: {self.clash.what}"]
        lines += [f"  {rule:{width}}   ({source})" for rule, source in self.clash.rules]
        if self.severity != "note":
            lines.append(f"  nearest that works: {self.works or 'none that builder.lock knows'}")
        return "\n".join(lines)


def conflicts(cells: Iterable[ImageSpec], lock: Lock, rules: Rules) -> tuple[Conflict, ...]:
    """The conflicts of these cells, in their order; cells of one row with the same conflict are joined."""
    requirements = Requirements(lock.requirements)
    grouped: dict[tuple[str, str, Clash], list[ImageSpec]] = {}
    answers: dict[object, tuple[Clash, ...]] = {}
    for spec in cells:
        row = row_of(spec, lock)
        same = (asked(spec), spec.pins, spec.packages, spec.environment)
        if same not in answers:
            answers[same] = tuple(clashes(row, requirements, rules))
        for clash in answers[same]:
            grouped.setdefault((spec.framework, spec.version, clash), []).append(spec)
    return tuple(
        Conflict(
            cells=tuple(map(cell, specs)),
            clash=clash,
            works=nearest(clash, row_of(specs[0], lock), requirements, rules),
        )
        for (_, _, clash), specs in grouped.items()
    )


def row_of(spec: ImageSpec, lock: Lock) -> Row:
    """The distributions of the cell: its pins, and the rest of its locked closure."""
    locked = lock.closures.get(closure(spec))
    rest = locked.distributions if locked else ()
    found = {d.name: Found(version=d.version, file=d.file, pinned=False) for d in rest}
    for pin in spec.pins:
        if pin.probe == PIP:
            name = canonicalize_name(pin.name)
            old = found.get(name)
            file = old.file if old and old.version == pin.value else None
            found[name] = Found(version=pin.value, file=file, pinned=True)
    return Row(spec=spec, distributions=found)


def as_documented(spec: ImageSpec) -> ImageSpec:
    """The cell with the documented version of each Python distribution instead of its pin."""
    pins = (
        replace(pin, value=pin.documented, documented=None, reason=None)
        if pin.probe == PIP and pin.documented and is_version(pin.documented)
        else pin
        for pin in spec.pins
    )
    return replace(spec, pins=tuple(pins))


def nearest(clash: Clash, row: Row, requirements: Requirements, rules: Rules) -> str | None:
    """The nearest version without that conflict, as a pin, or the advice of the rule itself."""
    for name in clash.movable:
        for version in by_distance(requirements.versions(name), row.distributions[name].version):
            other = row.using(name, version)
            if not any(name in one.names for one in clashes(other, requirements, rules) if one.severity != "note"):
                return f"{name} {version}"
    return next((f"{name} {version}" for name, version in clash.works), None)


def by_distance(versions: Iterable[str], at: str) -> list[str]:
    """The other versions, nearest first. The distance is the number of releases in between; the newer wins a tie."""
    line = sorted({*versions, at}, key=Version)
    here = line.index(at)
    return sorted(set(line) - {at}, key=lambda version: (abs(line.index(version) - here), -line.index(version)))


def together(names: tuple[str, ...]) -> str:
    """The names of a row's cells, joined as `pytorch/1.6.0-{cpu,gpu}-debian12` where that is exact."""
    if len(names) == 1:
        return names[0]
    head = names[0].rsplit("-", 2)[0]
    parts = [tuple(dict.fromkeys(name.rsplit("-", 2)[at] for name in names)) for at in (1, 2)]
    if set(names) != {f"{head}-{device}-{platform}" for device, platform in product(*parts)}:
        return ", ".join(names)
    return "-".join([head, *(words[0] if len(words) == 1 else f"{{{','.join(words)}}}" for words in parts)])


def of(found: Iterable[Conflict], severity: Severity) -> Iterator[Conflict]:
    """The conflicts of one severity."""
    return (one for one in found if one.severity == severity)


def accepted(cells: Iterable[ImageSpec], found: Iterable[Conflict]) -> Mapping[str, None]:
    """The rows without an error, each as `FRAMEWORK VERSION`, in order."""
    refused = {name for one in of(found, "error") for name in one.cells}
    bad = {(spec.framework, spec.version) for spec in cells if cell(spec) in refused}
    return {f"{s.framework} {s.version}": None for s in cells if (s.framework, s.version) not in bad}
