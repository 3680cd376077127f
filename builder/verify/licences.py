"""What packages say of their licences, as CycloneDX takes it: SPDX identifiers and expressions where that is clear.

https://dep-team.pages.debian.net/deps/dep5/ and https://packaging.python.org/specifications/
"""

import re
from collections.abc import Iterable
from email.message import Message
from typing import Any

MACHINE_READABLE = re.compile(r"\AFormat:.*copyright-format", re.MULTILINE)
SHORT_NAME = re.compile(r"^License:[ \t]*(\S[^\n]*)", re.MULTILINE)
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z][A-Za-z0-9.+-]*[A-Za-z0-9+])")
GNU = re.compile(r"(AGPL|GPL|LGPL|GFDL)-([1-3])(?:\.([0-9]))?(\+)?")
OPERATOR = re.compile(r"\s+(and|or)\s+", re.IGNORECASE)
ALIASES = {
    "expat": "MIT",
    "mit license": "MIT",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
}
"""Names that mean one licence and are another word in SPDX, besides Debian's for those of GNU."""
CLASSIFIER = "License :: "
LONGEST = 100
"""In characters. A longer field is the licence's text, not its name."""
Entry = dict[str, Any]
MOST = 100
"""Names of one package; the longest list of Debian 12 has 60."""


def of_debian(copyright_file: str) -> tuple[str, ...]:
    """The short names in a package's copyright file; of one for people, the common licences that it points to."""
    if MACHINE_READABLE.search(copyright_file):
        found = (" ".join(name.split()) for name in SHORT_NAME.findall(copyright_file))
    else:
        found = (name.rstrip(".") for name in COMMON.findall(copyright_file))
    return tuple(sorted({name for name in found if is_name(name)})[:MOST])


def of_python(metadata: Message) -> tuple[str, ...]:
    """The expression in a distribution's metadata, else the field, else the classifiers."""
    for field in ("License-Expression", "License"):
        if is_name(said := str(metadata.get(field) or "").strip()):
            return (said,)
    every = (str(one) for one in metadata.get_all("Classifier") or ())
    found = {one.rpartition(" :: ")[2].strip() for one in every if one.startswith(CLASSIFIER)}
    return tuple(sorted(name for name in found if is_name(name))[:MOST])


def is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isprintable() and text not in ("UNKNOWN", "OSI Approved")


def entries(names: Iterable[str]) -> list[Entry]:
    """The licences of a component: one expression when all names are clear, else each by identifier or name."""
    said = {name: spdx(name) for name in names}
    clear = sorted(set(said.values()))
    if all(clear) and (len(clear) > 1 or any(" " in one for one in clear)):
        return [{"expression": " AND ".join(f"({one})" if " " in one and len(clear) > 1 else one for one in clear)}]
    found = {one or name: entry(name, one) for name, one in said.items()}
    return [found[key] for key in sorted(found)]


def entry(name: str, clear: str) -> Entry:
    """A licence by its identifier, or by its name where it has none."""
    is_identifier = clear and " " not in clear
    return {"license": {"id": clear} if is_identifier else {"name": clear or name}}


def spdx(name: str) -> str:
    """The name as an SPDX identifier or expression; empty when it is not clear that it means one."""
    from cyclonedx.spdx import fixup_id, is_expression

    words = OPERATOR.split(name)
    operators = {word.upper() for word in words[1::2]}
    parts = [fixup_id(short(word)) or fixup_id(f"{word}.0") or "" for word in words[::2]]  # Debian's 2 is 2.0
    if not all(parts) or len(operators) > 1:
        return name if " " in name and is_expression(name) else ""
    return f" {operators.pop()} ".join(parts) if operators else parts[0]


def short(name: str) -> str:
    """SPDX's word for another's, where that is clear."""
    if found := GNU.fullmatch(name):
        kind, major, minor, later = found.groups()
        return f"{kind}-{major}.{minor or 0}-{'or-later' if later else 'only'}"
    return ALIASES.get(name.lower(), name)
