"""The core metadata of a distribution, from its text to one readable line and back.

Fields: https://packaging.python.org/en/latest/specifications/core-metadata/.
"""

import re
from collections.abc import Mapping
from email.parser import HeaderParser

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.matrix.spec import Metadata

PYTHON = "Python"
"""The first word of each line. Names of distributions are in lower case there, so none is called so."""
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
    """A requirement in today's spelling; empty for what pip ignores too, as it is none."""
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


Extras = frozenset[tuple[str, str]]
"""Pairs of a distribution and one of its extras."""


def without_unused_extras(found: Mapping[str, Metadata]) -> dict[str, Metadata]:
    """The same metadata without the requirements of unused extras, which are most of the lines."""
    asked = extras_asked(found)
    return {
        key: Metadata(python=one.python, requires=tuple(text for text in one.requires if matters(key, text, asked)))
        for key, one in sorted(found.items())
    }


def extras_asked(found: Mapping[str, Metadata]) -> Extras:
    """The extras that these distributions ask of each other, directly or through another extra."""
    texts = [(key, text, Requirement(text)) for key, one in found.items() for text in one.requires]
    asked: Extras = frozenset()
    while True:
        holding = (one for key, text, one in texts if one.extras and matters(key, text, asked))
        more = frozenset((canonicalize_name(one.name), extra) for one in holding for extra in one.extras)
        if more <= asked:
            return asked
        asked |= more


def matters(key: str, text: str, asked: Extras) -> bool:
    """Whether a requirement of the distribution `NAME==VERSION` can hold when these extras are asked for."""
    extras = re.findall(r"""extra == ["']([^"']+)["']""", text)
    return not extras or any((key.partition("==")[0], extra) in asked for extra in extras)
