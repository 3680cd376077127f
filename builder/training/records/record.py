"""The record of a run: everything needed to repeat it and to know how it went, as one JSON file; no secret is in it."""

import datetime as dt
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from builder.errors import InputError
from builder.host import cache
from builder.host.files import expanded
from builder.training.request.distribution import Topology
from builder.training.request.plan import Limits, Mount, RunImage, RunPlan, Snapshot

Status = Literal["submitted", "running", "completed", "failed", "cancelled", "timed out", "out of memory", "lost"]
FINAL: tuple[Status, ...] = ("completed", "failed", "cancelled", "timed out", "out of memory", "lost")
FILE = "record.json"
SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
HERE = "FRAMEWORK_IMAGES_RUNS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run at one moment; times are UTC in ISO 8601, and None until they have come."""

    run: str
    plan: RunPlan
    status: Status = "submitted"
    submitted: str
    started: str | None = None
    finished: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    """What a person is told about an end that was not a good one."""
    cluster: Mapping[str, Any] | None = None
    """Where a run on a cluster is, as the fields of its target; None for one on this engine."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


def root(wanted: Path | None = None) -> Path:
    """Where runs are kept: as asked for, $FRAMEWORK_IMAGES_RUNS, else below $XDG_DATA_HOME or ~/.local/share.

    Raises InputError for a user without a home who names none.
    """
    if named := wanted or os.environ.get(HERE):
        return Path(named).resolve()
    data = expanded(os.environ.get("XDG_DATA_HOME") or "~/.local/share")
    if data.parts[0] == "~":
        raise InputError("this user has no home directory", hint=f"name one for runs: {HERE}=DIR")
    return (data / "framework-images" / "runs").resolve()


def new_id(entry: str) -> str:
    """A name for a run: its script, the moment, and four random digits."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(entry).stem.lower()).strip("-")[:24] or "run"
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stem}-{moment}-{secrets.token_hex(2)}"


def now() -> str:
    """The present moment."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def write(directory: Path, record: Record) -> Record:
    """Store the record in the run's directory; returns it."""
    cache.remember(directory / FILE, asdict(record))
    return record


def read(directory: Path) -> Record:
    """The record of a run's directory; raises InputError when it has none that can be read."""
    try:
        found = cache.recall(directory / FILE)
        if found is None:
            raise InputError(f"{directory.name}: no such run", hint="python -m builder runs")
        return record_of(found)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{directory / FILE}: not the record of a run: {error!r}") from None


def record_of(found: dict[str, Any]) -> Record:
    """A record from its JSON."""
    values = {name: value for name, value in found.items() if name != "schema"}
    return Record(**{**values, "plan": plan_of(found["plan"])})


def plan_of(found: dict[str, Any]) -> RunPlan:
    """A plan from its JSON."""
    return RunPlan(
        image=RunImage(**found["image"]),
        snapshot=Snapshot(**found["snapshot"]),
        command=tuple(found["command"]),
        topology=Topology(**found["topology"]),
        environment=pairs(found["environment"]),
        inputs=tuple(Mount(**one) for one in found["inputs"]),
        secrets=pairs(found["secrets"]),
        limits=Limits(**found["limits"]),
    )


def pairs(found: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in found)
