"""What a record says of a run: in a line of a list, and whole."""

import datetime as dt
import shlex
from typing import Any

from builder.training.records.record import Record
from builder.training.request.plan import Limits, RunPlan
from builder.training.request.sizes import written

Row = dict[str, Any]


def row(record: Record) -> Row:
    """The run as a line of a list."""
    plan = record.plan
    return {
        "name": record.run,
        "status": record.status,
        "exit": record.exit_code,
        "started": moment(record.started or record.submitted),
        "seconds": round(record.seconds),
        "entry": plan.entry,
        "arguments": shlex.join(plan.arguments),
        "image": plan.image.cell or plan.image.reference,
    }


def details(record: Record) -> Row:
    """Everything that a person asks of a run. A secret is its name and file, never its content."""
    plan = record.plan
    return {
        **row(record),
        "reason": record.reason,
        "submitted": moment(record.submitted),
        "finished": moment(record.finished) if record.finished else None,
        "command": shlex.join(plan.command),
        "digest": plan.image.digest,
        "source": f"{plan.snapshot.sha256[:12]} ({plan.snapshot.files} files) in {plan.snapshot.path}",
        "processes": processes(plan),
        "environment": [f"{name}={value}" for name, value in plan.environment],
        "inputs": [f"{one.target} from {one.source}" for one in plan.inputs],
        "secrets": [f"{name} from {path}" for name, path in plan.secrets],
        "limits": limits(plan.limits),
    }


def processes(plan: RunPlan) -> str:
    """How many processes on how many nodes, e.g. `2 nodes of 4 with nccl`."""
    if plan.topology.backend is None:
        return "1"
    each = plan.processes_per_node
    return f"{f'{plan.nodes} nodes of {each}' if plan.nodes > 1 else each} with {plan.topology.backend}"


def limits(given: Limits) -> Row:
    """The limits that a person gave or may be surprised by."""
    return {
        "memory": written(given.memory) if given.memory else None,
        "cpus": given.cpus,
        "shared memory": written(given.shm),
        "processes and threads": given.pids,
        "seconds": given.seconds,
        "gpus": given.gpus,
    }


def moment(text: str) -> str:
    """A time of a record to the second, in UTC, e.g. `2026-11-27T14:15:00Z`."""
    found = dt.datetime.fromisoformat(text)
    return found.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
