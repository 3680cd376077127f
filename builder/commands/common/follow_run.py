"""Announces a run, follows it to its end, and says how it ended."""

import sys

from builder.training.records.run import Run


def announced(run: Run) -> Run:
    """Say on stderr which run began, on which image and source. Returns the run."""
    plan = run.plan
    print(
        f"{run.id}: {plan.image.cell or plan.image.reference} {plan.image.digest[:19]}, "
        f"source {plan.snapshot.sha256[:12]} ({plan.snapshot.files} files)",
        file=sys.stderr,
    )
    return run


def followed(run: Run) -> int:
    """Show what the run prints, then say how it ended. Returns 0 when it completed, else 1."""
    try:
        run.wait()
    finally:
        record = run.record
        if record.is_final:
            how = f" with exit code {record.exit_code}" if record.status == "failed" else ""
            reason = f": {record.reason}" if record.reason else ""
            print(f"{run.id}: {record.status}{how} after {record.seconds:.1f} s{reason}", file=sys.stderr)
            print(f"  outputs: {run.outputs_place}", file=sys.stderr)
    return 0 if run.record.status == "completed" else 1


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
