"""What a record says of a cell today. Its inputs or the checks may have changed since."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from builder.build.contexts import existing, row_of
from builder.build.fingerprint import committed, hashes
from builder.build.records import FILE, Record, load
from builder.matrix.names import cell, context
from builder.matrix.spec import ImageSpec
from builder.verify.run_checks import checks_version, extra_checks_of

Note = Literal["", "of an earlier matrix", "by earlier checks"]
RENDERED = "rendered, linted, locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The committed inputs of a cell as a hash, and the version of its checks."""

    inputs: str
    checks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The record of a cell; `note` says how it differs from today's matrix and checks, and is empty if it does not."""

    record: Record
    note: Note

    def __str__(self) -> str:
        """For example `verified 2026-11-28, by earlier checks`."""
        return ", ".join(filter(None, [f"{self.record.status} {self.record.day}", self.note]))


def today_of(root: Path) -> Callable[[ImageSpec], Today]:
    """A function that gives what a cell is today. It reads images/, which `render --check` holds to the matrix."""
    checks_once = cache(checks_version)

    def today(spec: ImageSpec) -> Today:
        files = hashes(existing(root / context(spec)), row_of(spec))
        return Today(inputs=committed(files), checks=checks_once(extra_checks_of(root / "templates", spec.framework)))

    return today


def recorded(root: Path, cells: Iterable[ImageSpec]) -> Mapping[str, Recorded]:
    """The records of those cells that have one, by name; raises InputError when the file is damaged."""
    records, today = load(root / FILE), today_of(root)
    known = ((spec, records[cell(spec)]) for spec in cells if cell(spec) in records)
    return {cell(spec): Recorded(record=one, note=note(one, today(spec))) for spec, one in known}


def note(record: Record, today: Today) -> Note:
    """How the record differs from today."""
    if record.inputs != today.inputs:
        return "of an earlier matrix"
    return "by earlier checks" if record.checks != today.checks else ""
