"""An advisory in OSV's form: https://ossf.github.io/osv-schema. Unknown fields are left out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

PYPI = "PyPI"
Event = tuple[str, str]
"""`introduced`, `fixed`, `last_affected` or `limit`, and the version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """The versions of one distribution that an advisory is about: by name, and by ranges of versions."""

    name: str
    versions: frozenset[str]
    ranges: tuple[tuple[Event, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """One record; `vectors` are CVSS vectors, and `rating` is a word where the database has one."""

    id: str
    aliases: frozenset[str]
    summary: str
    modified: str
    withdrawn: bool
    vectors: tuple[str, ...]
    rating: str
    affected: tuple[Affected, ...]

    @property
    def names(self) -> frozenset[str]:
        """All that it is called: two records with one name in common are about one fault."""
        return self.aliases | {self.id}


def record_from(found: Mapping[str, Any]) -> Advisory:
    """The advisory in a parsed file; raises KeyError, TypeError, ValueError or AttributeError when it is none."""
    about = [one for one in found["affected"] if one["package"]["ecosystem"] == PYPI]
    details = str(found.get("summary") or found.get("details") or "").strip()
    return Advisory(
        id=str(found["id"]),
        aliases=frozenset(map(str, found.get("aliases") or ())),
        summary=details.partition("\n")[0][:200],
        modified=str(found["modified"]),
        withdrawn=bool(found.get("withdrawn")),
        vectors=tuple(str(one["score"]) for one in severities(found, about)),
        rating=str((found.get("database_specific") or {}).get("severity") or "").lower(),
        affected=tuple(map(affected_from, about)),
    )


def severities(found: Mapping[str, Any], about: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the record, else those of its packages, where the schema allows them too."""
    return list(found.get("severity") or ()) or [each for one in about for each in one.get("severity") or ()]


def affected_from(entry: Mapping[str, Any]) -> Affected:
    return Affected(
        name=canonicalize_name(str(entry["package"]["name"])),
        versions=frozenset(map(str, entry.get("versions") or ())),
        ranges=tuple(
            tuple((str(kind), str(version)) for event in one["events"] for kind, version in event.items())
            for one in entry.get("ranges") or ()
            if one["type"] in ("ECOSYSTEM", "SEMVER")  # GIT has commits, which no distribution tells
        ),
    )
