"""The record of a run, one JSON file: what repeats the run, and how it went. It holds no secret."""

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
HERE = "FRAMEWORK_IMAGES_RUNS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run at one moment. Times are UTC in ISO 8601; a time that has not come is None."""

    run: str
    plan: RunPlan
    status: Status = "submitted"
    submitted: str
    started: str | None = None
    finished: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    """What a person should know about a bad end, e.g. `it took longer than 60 s`."""
    cluster: Mapping[str, object] | None = None
    """The settings of the cluster; None for a run on this engine. `kubernetes.settings` reads and writes them."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def seconds(self) -> float:
        """How long the run took; until now, where it goes on."""
        end = dt.datetime.now(dt.UTC) if self.finished is None else dt.datetime.fromisoformat(self.finished)
        start = dt.datetime.fromisoformat(self.started or self.submitted)
        return max((end - start).total_seconds(), 0.0)


def root(wanted: Path | None = None) -> Path:
    """The directory of all runs: `wanted`, else $FRAMEWORK_IMAGES_RUNS, else below $XDG_DATA_HOME or ~/.local/share.

    Raises InputError when none is named and the user has no home directory.
    """
    if named := wanted or os.environ.get(HERE):
        return Path(named).resolve()
    data = expanded(os.environ.get("XDG_DATA_HOME") or "~/.local/share")
    if data.parts[0] == "~":
        raise InputError("this user has no home directory", hint=f"name one for runs: {HERE}=DIR")
    return (data / "framework-images" / "runs").resolve()


def new_id(entry: str) -> str:
    """A new name for a run, e.g. `train-20261123-141500-0c3e`: the script or module, the moment, four random digits."""
    name = re.sub(r"\.(py|pyc|pyw|pyz|zip|sh|bash)$", "", Path(entry).name.lower())
    stem = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:24].strip("-") or "run"
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stem}-{moment}-{secrets.token_hex(2)}"


def now() -> str:
    """The present moment in UTC, to the millisecond."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def write(directory: Path, record: Record) -> Record:
    """Store the record in the run's directory. Returns the record; raises OSError."""
    cache.remember(directory / FILE, asdict(record))
    return record


def read(directory: Path) -> Record:
    """The record in a run's directory. Raises InputError when it is missing or damaged."""
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
        leading=found.get("leading", 1),  # older records have none
        topology=Topology(**found["topology"]),
        environment=pairs(found["environment"]),
        inputs=tuple(Mount(**one) for one in found["inputs"]),
        secrets=pairs(found["secrets"]),
        limits=Limits(**found["limits"]),
    )


def pairs(found: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in found)
