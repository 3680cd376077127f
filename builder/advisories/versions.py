"""Whether a version is affected, and which one is mended: OSV's algorithm over PEP 440.

https://ossf.github.io/osv-schema/#evaluation. A local version such as `+cpu` is a build of the same source.
"""

from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from builder.advisories.record import Affected, Event

FIRST = "0"


def is_affected(version: str, about: Affected) -> bool:
    """Whether it is one of the versions named, or within a range; a version of no known form is none."""
    here = parsed(version)
    if here is None:
        return version in about.versions
    return here in set(map(parsed, about.versions)) or any(within(here, events) for events in about.ranges)


def within(here: Version, events: tuple[Event, ...]) -> bool:
    """Whether the last event at or before the version leaves it affected. A range with another form has no say."""
    try:
        ordered = sorted(((Version(FIRST if value == "*" else value), kind) for kind, value in events), key=order)
    except InvalidVersion:
        return False
    affected = False
    for at, kind in ordered:
        if kind == "introduced" and (at <= here or at == Version(FIRST)):
            affected = True
        elif (kind in ("fixed", "limit") and at <= here) or (kind == "last_affected" and at < here):
            affected = False
    return affected


def order(event: tuple[Version, str]) -> tuple[Version, bool]:
    """By version; what is introduced where something ends comes after it, as the version is affected then."""
    return (event[0], event[1] == "introduced")


def mended(version: str, about: Affected) -> Iterator[str]:
    """The versions after this one in which the range that it is in ends, the next first."""
    here = parsed(version)
    ends = (value for events in about.ranges for kind, value in events if kind == "fixed")
    if here:
        yield from sorted((one for one in set(ends) if (found := parsed(one)) and found > here), key=Version)


def parsed(version: str) -> Version | None:
    """The public version; None for one that PEP 440 does not know."""
    try:
        return Version(Version(version).public)
    except InvalidVersion:
        return None
