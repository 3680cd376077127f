"""`runs`: lists, follows, stops or removes runs, also those whose builder was killed."""

import sys
from typing import Any

from builder.commands.common.follow_run import announced, followed
from builder.commands.common.output import document
from builder.commands.flags.train import RunOptions
from builder.errors import BuilderError, InputError
from builder.training.find import all_runs, find, follower
from builder.training.records import record
from builder.training.records.removal import remove
from builder.training.records.run import Run

NEEDS_NAME = "{0} needs the name of a run: python -m builder runs {0} RUN"


def run(options: RunOptions) -> int:
    """List all runs, or follow, stop or remove some."""
    if options.action == "list":
        return listed(options)
    if not options.names:
        raise InputError(NEEDS_NAME.format(options.action), hint="python -m builder runs")
    found = list(dict.fromkeys(find(record.root(options.runs), name) for name in options.names))
    if options.action == "stop":
        return stopped(found)
    if options.action == "remove":
        return removed(found, all_runs(record.root(options.runs)))
    return max(followed(announced(one)) for one in found)


def listed(options: RunOptions) -> int:
    """Print a line for each run, oldest first."""
    if options.names:
        raise InputError("list takes no name", hint="python -m builder runs")
    print(document([row(one) for one in all_runs(record.root(options.runs))], "runs", options.format))
    return 0


def row(run: Run) -> dict[str, Any]:
    """A run for people and programs. A run that ended unseen is collected first."""
    status = status_of(run)
    found = run.record
    return {
        "name": run.id,
        "status": status,
        "exit": found.exit_code,
        "seconds": round(found.seconds),
        "image": found.plan.image.cell or found.plan.image.reference,
        "followed by": None if found.is_final else follower(run) or "nobody",
    }


def status_of(run: Run) -> str:
    """How a run is. `unknown`, with a note on stderr, when its engine or cluster gives no answer."""
    try:
        return run.status
    except BuilderError as error:
        print(f"note: {run.id}: {error.message}", file=sys.stderr)
        return "unknown"


def stopped(found: list[Run]) -> int:
    """End the runs. A run that has ended already is no error."""
    for one in found:
        one.cancel()
        print(f"{one.id}: {one.record.status}", file=sys.stderr)
    return 0


def removed(found: list[Run], everything: list[Run]) -> int:
    """Delete the runs. Raises InputError when one of them goes on."""
    remove(found, everything)
    for one in found:
        print(f"{one.id}: removed, with its outputs", file=sys.stderr)
    return 0
