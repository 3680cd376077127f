"""What the verbs share that follow a run to its end."""

import sys

from builder.training.local.collect import seconds_of
from builder.training.local.run import Run


def announced(run: Run) -> Run:
    """Say which run began, on which image and source; returns it."""
    plan = run.plan
    print(
        f"{run.id}: {plan.image.cell or plan.image.reference} {plan.image.digest[:19]}, "
        f"source {plan.snapshot.sha256[:12]} ({plan.snapshot.files} files)",
        file=sys.stderr,
    )
    return run


def followed(run: Run) -> int:
    """Show what the run prints, then say how it ended; returns 0 when it went well, else 1."""
    try:
        run.wait()
    finally:
        record = run.record
        if record.is_final:
            how = f" with exit code {record.exit_code}" if record.status == "failed" else ""
            reason = f": {record.reason}" if record.reason else ""
            print(f"{run.id}: {record.status}{how} after {seconds_of(record):.1f} s{reason}", file=sys.stderr)
            print(f"  outputs: {run.outputs_place}", file=sys.stderr)
    return 0 if run.record.status == "completed" else 1


def begun(run: Run, *, detach: bool) -> int:
    """Follow the run, or print its name for another process to adopt."""
    try:
        announced(run)
        if not detach:
            return followed(run)
    except KeyboardInterrupt:
        run.cancel()
        raise
    print(run.id)
    return 0
