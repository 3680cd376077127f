"""Finds runs: those with a record in a directory, and those with a container on this host."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.errors import EngineError, InputError
from builder.host import engine, mutex
from builder.matrix.names import LABEL_HOST
from builder.matrix.yaml_positions import near
from builder.training.kubernetes.run import ClusterRun
from builder.training.local.containers import LABEL_DIRECTORY
from builder.training.local.nodes import LABEL_RUN, container_of
from builder.training.local.run import LocalRun
from builder.training.records import record
from builder.training.records.run import Run

LAST = "last"


def all_runs(place: Path) -> list[Run]:
    """Every run kept in that directory, and every run with a container on this host, oldest first."""
    directories = {file.parent for file in place.glob(f"*/{record.FILE}")} | with_container()
    found = [(run.record.submitted, run.id, run) for run in map(run_of, directories) if run]
    return [run for _, _, run in sorted(found, key=lambda one: one[:2])]


def with_container() -> set[Path]:
    """The directories of the runs with a container on this host, wherever those directories are."""
    wanted = {"label": [LABEL_RUN, f"{LABEL_HOST}={socket.gethostname()}"]}
    try:
        with engine.connected() as client:
            found = client.api.containers(all=True, filters=wanted)
    except EngineError as error:
        # Runs on a cluster need no engine, so they are listed without one.
        print(f"note: {error.message}", file=sys.stderr)
        return set()
    return {Path(one["Labels"][LABEL_DIRECTORY]) for one in found if is_of_a_run(one)}


def is_of_a_run(found: Mapping[str, Any]) -> bool:
    """Whether we made the container. Labels do not suffice: a container inherits those of its image."""
    labels = found["Labels"]
    name = container_of(str(labels.get(LABEL_RUN)))
    return LABEL_DIRECTORY in labels and any(one.lstrip("/").startswith(name) for one in found.get("Names") or ())


def run_of(directory: Path) -> Run | None:
    """The run of a directory. None when its record cannot be read, so that it hides no other run."""
    try:
        found = record.read(directory)
    except InputError:
        return None
    return ClusterRun(directory=directory) if found.cluster else LocalRun(directory=directory)


def find(place: Path, name: str) -> Run:
    """The run of that name, or the only run with a name that begins so. `last` is the newest. Raises InputError."""
    runs = all_runs(place)
    if name == LAST and runs:
        return runs[-1]
    found = [run for run in runs if run.id == name] or [run for run in runs if run.id.startswith(name)]
    if len(found) != 1:
        ids = [run.id for run in found or runs]
        what = f"begins {len(found)} names: {', '.join(ids)}" if found else f"no such run{near(name, ids)}"
        raise InputError(f"{name}: {what}", hint="python -m builder runs")
    return found[0]


def follower(run: Run) -> str | None:
    """The process that follows a run, e.g. `process 4711`; None when there is none."""
    lock = mutex.acquire(run.directory, run.id)
    if isinstance(lock, str):
        return lock
    lock.release()
    return None
