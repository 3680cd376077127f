"""Classifies what changed upstream since builder.lock was written. Pure: `builder.dependencies.upstream` asks."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from builder.dependencies.lockfile import Closure
from builder.matrix.names import first_and_more
from builder.matrix.spec import Distribution

Kind = Literal["base moved", "package moved", "package vanished", "key expired", "source unreachable", "tag orphaned"]
MEANING: Mapping[Kind, str] = {
    "package vanished": "A locked file is gone from every index and directory: a build from nothing fails.",
    "key expired": "The key of a package repository has expired or does so soon: apt will refuse what it signs.",
    "source unreachable": "What a build downloads does not answer from here: a build from nothing fails until it does.",
    "base moved": "The operating system has newer packages: a rebuild costs a rebase, not a compilation.",
    "package moved": "The row admits newer versions than the lock holds: `python -m builder lock --upgrade NAME`.",
    "tag orphaned": "No row has this rolling tag any more: nothing moves or verifies it. Delete it, or add the row.",
}
"""The most urgent first. The first three stop a build without a cache."""
KINDS = tuple(MEANING)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Drift:
    """One change: its subject, the value before and after, and the cells it concerns."""

    kind: Kind
    subject: str
    before: str
    after: str
    cells: tuple[str, ...]


def moved(before: Mapping[str, Closure], after: Mapping[str, Closure]) -> Iterator[Drift]:
    """The packages that would change, appear or go, each with the cells of the same change."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for cell, closure in after.items():
        old, new = (versions(one.distributions) for one in (before.get(cell, closure), closure))
        for name in sorted(old.keys() | new.keys()):
            change = (name, old.get(name, "none"), new.get(name, "none"))
            if change[1] != change[2]:
                found.setdefault(change, []).append(cell)
    for (name, old_version, new_version), cells in found.items():
        yield Drift(kind="package moved", subject=name, before=old_version, after=new_version, cells=tuple(cells))


def versions(distributions: Iterable[Distribution]) -> dict[str, str]:
    return {found.name: found.version for found in distributions}


def vanished(closures: Mapping[str, Closure], offered: Mapping[str, frozenset[str]]) -> Iterator[Drift]:
    """The locked files that nothing offers any more; `offered` has file names and sha256s by project."""
    gone: dict[Distribution, list[str]] = {}
    for cell, closure in closures.items():
        for found in closure.distributions:
            if not offered[found.name] & {found.file, found.sha256}:
                gone.setdefault(found, []).append(cell)
    for found, cells in gone.items():
        yield Drift(
            kind="package vanished", subject=found.name, before=found.file, after="not offered", cells=tuple(cells)
        )


def issue(drifts: Sequence[Drift]) -> str:
    """The report as the body of an issue, in Markdown, the most urgent first."""
    lines = ["The world has moved since `builder.lock` was written." if drifts else "Nothing has moved.", ""]
    for kind, group in groupby(arranged(drifts), key=lambda drift: drift.kind):
        lines += [f"## {kind.capitalize()}", "", MEANING[kind], "", "| what | was | is | images |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(map(inert, row(drift)))} |" for drift in group]
        lines.append("")
    return "\n".join(lines)


def arranged(drifts: Iterable[Drift]) -> list[Drift]:
    """The drifts by urgency, then by name."""
    return sorted(drifts, key=lambda drift: (KINDS.index(drift.kind), drift))


def row(drift: Drift) -> tuple[str, str, str, str]:
    return drift.subject, drift.before, drift.after, first_and_more(drift.cells)


def inert(text: str) -> str:
    """The text as Markdown without links or mentions, on one line of a table."""
    return "`" + re.sub(r"[`|\x00-\x1f\x7f]", "?", text) + "`" if text else ""
