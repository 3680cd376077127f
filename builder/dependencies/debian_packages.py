"""The Debian packages of a platform in builder.lock: what its mirror gave for each list, and when.

A mirror drops a version as soon as there is a newer one, so no build can insist on a recorded version. Instead an image
is compared with the record after its build, and says where the mirror has moved.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.matrix.spec import ImageSpec, Platform

Versions = Mapping[str, str]
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
VERSION = re.compile(r"[0-9][A-Za-z0-9.:+~-]*")
STATE = re.compile(r"\d{4}-\d{2}-\d{2} sha256:[0-9a-f]{64}")
QUESTION = re.compile(r"[a-z0-9?][A-Za-z0-9+.=:~*()-]+( [a-z0-9?][A-Za-z0-9+.=:~*()-]+)*")
MINBASE = "?essential ?priority(required)"
KEYWORDS = ("apt", "base")
"""The word of `lock --upgrade` for these packages."""
NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One platform: its archives with day and hash, and for each list of packages what apt installs."""

    archives: Versions = field(default_factory=dict)
    lists: Mapping[str, Versions] = field(default_factory=dict)


def question(names: Iterable[str]) -> str:
    """How the lock names a list of packages: the list itself."""
    return " ".join(sorted(set(names)))


def base_question(platform: Platform) -> str:
    """The packages of a bootstrapped base: `minbase` is all that is essential or required, and apt (man mmdebstrap)."""
    include = platform.bootstrap.include if platform.bootstrap else ()
    return f"{MINBASE} {question(('apt', *include))}"


def questions(cells: Iterable[ImageSpec]) -> dict[str, set[str]]:
    """The lists of these cells by platform. Only platforms with a bootstrap have a known mirror."""
    found: dict[str, set[str]] = {}
    for spec in cells:
        if spec.platform.bootstrap:
            lists = found.setdefault(spec.platform.name, {base_question(spec.platform)})
            lists |= {mirrored(names, spec) for names in (spec.packages.build, spec.packages.runtime) if names}
    return found


def mirrored(names: Iterable[str], spec: ImageSpec) -> str:
    """The list without what the row's own repositories give: there each package has a whole version."""
    return question(name for name in names if not spec.repositories or "=" not in name or "*" in name)


def runtime(spec: ImageSpec, recorded: Mapping[str, Recorded]) -> Versions:
    """The packages of the final image on top of its base; empty when nothing is recorded."""
    return of(spec.platform, recorded, mirrored(spec.packages.runtime, spec))


def base(platform: Platform, recorded: Mapping[str, Recorded]) -> Versions:
    """The packages of a bootstrapped base; empty when nothing is recorded."""
    return of(platform, recorded, base_question(platform))


def of(platform: Platform, recorded: Mapping[str, Recorded], asked: str) -> Versions:
    return recorded[platform.name].lists.get(asked, {}) if platform.name in recorded else {}


def moved(keyword: str, expected: Versions, installed: Versions) -> str:
    """A line that names the packages that differ from the record; empty when none does.

    A recorded package may be missing from the image, as another package can provide it.
    """
    changes = [f"{name} {old} → {installed[name]}" for name, old in expected.items() if installed.get(name, old) != old]
    more = f", and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
    said = ", ".join(changes[:NAMED]) + more
    return f"{keyword}: {said}; python -m builder lock --upgrade {keyword} records it" if changes else ""


def read(entries: Mapping[str, Any]) -> dict[str, Recorded]:
    """The platforms of a parsed lock; raises an error of the shape."""
    return {platform: recorded(entry) for platform, entry in entries.items()}


def recorded(entry: Mapping[str, Any]) -> Recorded:
    if unknown := entry.keys() - {"archives", "lists"}:
        raise ValueError(f"unknown key {min(unknown)!r}")
    for suite, state in entry["archives"].items():
        fits(suite, PACKAGE, state, STATE)
    for asked, versions in entry["lists"].items():
        fits(asked, QUESTION)
        for name, version in versions.items():
            fits(name, PACKAGE, version, VERSION)
    return Recorded(archives=entry["archives"], lists=entry["lists"])


def fits(*pairs: Any) -> None:  # noqa: ANN401 (values of a parsed file)
    for value, pattern in zip(pairs[::2], pairs[1::2], strict=True):
        if not pattern.fullmatch(value):
            raise ValueError(value)


def document(found: Mapping[str, Recorded]) -> dict[str, Any]:
    """The platforms as JSON for the lock: sorted, one line a package."""
    return {
        platform: {
            "archives": ordered(one.archives),
            "lists": {asked: ordered(versions) for asked, versions in ordered(one.lists).items()},
        }
        for platform, one in ordered(found).items()
    }


def ordered(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(values.items()))
