"""What a distribution says of itself: core metadata as text, to one readable line and back.

Fields: https://packaging.python.org/en/latest/specifications/core-metadata/.
"""

from collections.abc import Iterable, Mapping
from email.parser import HeaderParser

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.spec import Metadata

PYTHON = "Python"
"""The first word of each line: no distribution can be called so, as their names are in lower case there."""
BETWEEN = " | "


def parse(text: str) -> Metadata:
    """The metadata in a METADATA or PKG-INFO file."""
    fields = HeaderParser().parsestr(text)
    lines = (normal(str(line)) for line in fields.get_all("Requires-Dist", ()))
    return Metadata(
        python=tight(str(fields.get("Requires-Python", ""))), requires=tuple(sorted(set(filter(None, lines))))
    )


def requires_txt(text: str) -> tuple[str, ...]:
    """The requirements in the requires.txt that setuptools writes into an sdist: `[EXTRA:MARKER]` opens a section."""
    found, condition = set(), ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
            words = (f"({marker})" if marker else "", f'extra == "{extra}"' if extra else "")
            condition = " and ".join(filter(None, words))
        else:
            found.add(normal(f"{line} ; {condition}" if condition else line))
    return tuple(sorted(filter(None, found)))


def normal(line: str) -> str:
    """A requirement as the field writes it today; empty when it is not one, as pip then ignores it too."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return ""
    requirement.name = canonicalize_name(requirement.name)
    return " ".join(str(requirement).split())


def tight(limit: str) -> str:
    return ",".join(part.strip() for part in limit.split(",") if part.strip())


def line(found: Metadata) -> str:
    """The metadata on one line: `Python>=3.6 | numpy | torch==1.3.0`."""
    return BETWEEN.join((PYTHON + found.python, *found.requires))


def from_line(text: str) -> Metadata:
    """The metadata of such a line; raises ValueError."""
    limit, *requires = text.split(BETWEEN)
    if not limit.startswith(PYTHON) or not all(requires) or text != text.strip():
        raise ValueError(text)
    return Metadata(python=limit.removeprefix(PYTHON), requires=tuple(requires))


def without_unused_extras(found: Mapping[str, Metadata]) -> dict[str, Metadata]:
    """The same without the requirements of extras that nothing here asks for: those are most of the lines."""
    parsed = [Requirement(text) for metadata in found.values() for text in metadata.requires]
    asked = {(canonicalize_name(one.name), extra) for one in parsed for extra in one.extras}
    return {key: kept(key.partition("==")[0], metadata, asked) for key, metadata in sorted(found.items())}


def kept(name: str, metadata: Metadata, asked: Iterable[tuple[str, str]]) -> Metadata:
    extras = [extra for owner, extra in asked if owner == name]
    return Metadata(python=metadata.python, requires=tuple(one for one in metadata.requires if matters(one, extras)))


def matters(text: str, extras: Iterable[str]) -> bool:
    """Whether the requirement can hold for the distribution with these extras."""
    marker = Requirement(text).marker
    return marker is None or "extra" not in str(marker) or any(f'extra == "{extra}"' in str(marker) for extra in extras)
