"""What the advisories say of the locked closure of a cell, and whether the row could take what mends it. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from builder.advisories.accepted import Acceptance
from builder.advisories.record import Advisory
from builder.advisories.severity import SEVERITIES, Severity, severity
from builder.advisories.versions import is_affected, mended
from builder.dependencies.pep508 import Requirements
from builder.matrix.names import cell
from builder.matrix.spec import Distribution, ImageSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault of one distribution in one cell, by all its names."""

    cell: str
    name: str
    version: str
    ids: tuple[str, ...]
    severity: Severity
    summary: str
    fixed: tuple[str, ...]
    remedy: str = ""
    accepted: Acceptance | None = None


Index = Mapping[str, Sequence[Advisory]]
"""The advisories by the distribution that they name."""


def index(advisories: Iterable[Advisory]) -> Index:
    """Those that are not withdrawn."""
    found: dict[str, list[Advisory]] = {}
    for one in advisories:
        for name in {about.name for about in one.affected} if not one.withdrawn else ():
            found.setdefault(name, []).append(one)
    return found


def findings(
    spec: ImageSpec, closure: Sequence[Distribution], known: Index, requirements: Requirements
) -> Iterator[Finding]:
    """Each fault of the closure once, by distribution, the worst first."""
    for one in closure:
        found = [advisory for advisory in known.get(one.name, ()) if concerns(advisory, one)]
        faults = [finding(cell(spec), one, group) for group in together(found)]
        for fault in sorted(faults, key=lambda each: (-SEVERITIES.index(each.severity), each.ids)):
            yield replace(fault, remedy=remedy(fault, spec, closure, requirements))


def concerns(advisory: Advisory, one: Distribution) -> bool:
    return any(about.name == one.name and is_affected(one.version, about) for about in advisory.affected)


def together(advisories: Iterable[Advisory]) -> list[list[Advisory]]:
    """The records in groups: those that share a name are about one fault."""
    groups: list[list[Advisory]] = []
    for one in advisories:
        same = [group for group in groups if any(one.names & other.names for other in group)]
        groups = [group for group in groups if group not in same]
        groups.append([*(each for group in same for each in group), one])
    return groups


def finding(cell_: str, one: Distribution, group: Sequence[Advisory]) -> Finding:
    about = [each for advisory in group for each in advisory.affected if each.name == one.name]
    fixes = [next(iter(mended(one.version, each)), "") for each in about if is_affected(one.version, each)]
    rated = [severity(each) for each in group]
    return Finding(
        cell=cell_,
        name=one.name,
        version=one.version,
        ids=tuple(sorted(frozenset[str]().union(*(each.names for each in group)))),
        severity=max((each for each in rated if each != "unknown"), key=SEVERITIES.index, default="unknown"),
        summary=next((each.summary for each in group if each.summary), ""),
        fixed=tuple(sorted(set(filter(None, fixes)))),
    )


def remedy(found: Finding, spec: ImageSpec, closure: Sequence[Distribution], requirements: Requirements) -> str:
    """Whether the row could take a version that mends it, or what forbids that."""
    if not found.fixed:
        return "no release mends it"
    wanted = " or ".join(found.fixed)
    if any(pin.probe == "python-distribution" and canonicalize_name(pin.name) == found.name for pin in spec.pins):
        return f"{wanted} mends it; the row pins {found.version}"
    python = spec.value("python")
    for fixed in found.fixed:
        if not requirements.python(found.name, fixed).contains(python):
            return f"{wanted} mends it; {fixed} is not for Python {python}"
    if limits := [*forbidding(found, closure, python, requirements)]:
        return f"{wanted} mends it; {limits[0]}"
    return f"{wanted} mends it; to try it: python -m builder lock --upgrade {found.name}"


def forbidding(
    found: Finding, closure: Sequence[Distribution], python: str, requirements: Requirements
) -> Iterator[str]:
    """What of the closure requires another version than those that mend it."""
    for one in closure:
        for need in requirements.applying(one.name, one.version, python, frozenset()):
            if canonicalize_name(need.name) == found.name and not any(need.specifier.contains(v) for v in found.fixed):
                yield f"{one.name} {one.version} requires {found.name}{need.specifier}"


def judged(found: Finding, accepted: Iterable[Acceptance], today: dt.date) -> Finding:
    """The finding with who answers for it, if anybody does today."""
    fits = (
        one for one in accepted if one.id in found.ids and one.of in ("", found.name) and one.covers(found.cell, today)
    )
    return replace(found, accepted=next(fits, None))
