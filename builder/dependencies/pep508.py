"""The lock's requirements as PEP 508 understands them, each parsed once."""

from collections.abc import Iterator, Mapping

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.dependencies.lockfile import key
from builder.matrix.spec import Metadata
from builder.matrix.version import components


class Requirements:
    """What each distribution in the lock requires."""

    def __init__(self, lines: Mapping[str, Metadata]) -> None:
        self.lines = lines
        self.parsed: dict[str, tuple[Requirement, ...]] = {}
        self.holding: dict[tuple[str, str, tuple[str, ...]], bool] = {}

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a distribution that the lock knows."""
        return tuple(found.partition("==")[2] for found in self.lines if found.partition("==")[0] == name)

    def python(self, name: str, version: str) -> SpecifierSet:
        """The Requires-Python of a distribution; empty, which allows every Python, when it has none."""
        found = self.lines.get(key(name, version))
        return SpecifierSet(found.python if found else "")

    def of(self, name: str, version: str) -> tuple[Requirement, ...]:
        """All requirements of a distribution, whatever their markers say."""
        at = key(name, version)
        if at not in self.parsed:
            found = self.lines.get(at)
            self.parsed[at] = tuple(map(Requirement, found.requires)) if found else ()
        return self.parsed[at]

    def applying(self, name: str, version: str, python: str, extras: frozenset[str]) -> Iterator[Requirement]:
        """The requirements whose markers hold for this Python and these extras."""
        wanted = tuple(sorted(extras)) or ("",)
        return (one for one in self.of(name, version) if one.marker is None or self.holds(one.marker, python, wanted))

    def holds(self, marker: Marker, python: str, extras: tuple[str, ...]) -> bool:
        at = (str(marker), python, extras)
        if at not in self.holding:
            self.holding[at] = any(marker.evaluate({**environment(python), "extra": extra}) for extra in extras)
        return self.holding[at]


def environment(python: str) -> dict[str, str]:
    """The environment of an image in PEP 508's sense: x86-64 Linux, and CPython of that version."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": python,
        "python_version": ".".join(components(python)[:2]),
        "sys_platform": "linux",
    }


def extras(rows: Mapping[str, str], requirements: Requirements) -> dict[str, frozenset[str]]:
    """The extras that the distributions of a row, given as versions by name, ask of each other."""
    found: dict[str, frozenset[str]] = {}
    for name, version in rows.items():
        for one in requirements.of(name, version):
            if one.extras:
                other = canonicalize_name(one.name)
                found[other] = found.get(other, frozenset()) | one.extras
    return found
