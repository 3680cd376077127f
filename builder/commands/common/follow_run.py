"""Announces a run, follows it to its end, and says how it ended."""

import shlex
import sys

from builder.commands.flags.train import OWN_FAILURE
from builder.errors import harmless
from builder.training.launcher.instructions import STOPPED, TIMED_OUT
from builder.training.local.prompt import attach
from builder.training.local.run import LocalRun
from builder.training.records.record import Record
from builder.training.records.run import Run

ENDED_BY_OTHERS = {"timed out": TIMED_OUT, "cancelled": STOPPED, "lost": OWN_FAILURE}


def announced(run: Run) -> Run:
    """Say on stderr which run began, on which image and source, and what it executes. Returns the run."""
    image, source = run.plan.image, run.plan.snapshot
    source_line = f"source {source.sha256[:12]} ({source.files} files)"
    print(f"{run.id}: {image.cell or image.reference} {image.digest[:19]}, {source_line}", file=sys.stderr)
    print(f"  command: {harmless(shlex.join(run.plan.command))}", file=sys.stderr)
    return run


def followed(run: Run) -> int:
    """Show what the run prints, then say how it ended. Returns the exit code of the verb."""
    try:
        run.wait()
    finally:
        tell_end(run)
    return exit_code(run.record)


def tell_end(run: Run) -> None:
    """Say on stderr how a run ended, if it has."""
    record = run.record
    if record.is_final:
        how = f" with exit code {record.exit_code}" if record.status == "failed" else ""
        reason = f": {record.reason}" if record.reason else ""
        print(f"{run.id}: {record.status}{how} after {record.seconds:.1f} s{reason}", file=sys.stderr)
        print(f"  outputs: {run.outputs_place}", file=sys.stderr)


def at_prompt(run: LocalRun) -> int:
    """Give a person the prompt of a run, until it is left. Returns the exit code of the verb."""
    announced(run)
    try:
        attach(run)
    finally:
        tell_end(run)
    return exit_code(run.record)


def exit_code(record: Record) -> int:
    """The script's own exit code; one that says what ended the run, where that was not the script."""
    if record.status in ENDED_BY_OTHERS:
        return ENDED_BY_OTHERS[record.status]
    return 0 if record.status == "completed" else record.exit_code or OWN_FAILURE


def begun(run: Run, *, detach: bool) -> int:
    """Follow the run. With `detach`, print its name instead, for `runs adopt`."""
    try:
        announced(run)
        if not detach:
            return followed(run)
    except KeyboardInterrupt:
        run.cancel()
        raise
    print(run.id)
    return 0
