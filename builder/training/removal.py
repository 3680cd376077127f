"""Removes what is kept of runs that have ended: record, log, outputs, and the snapshot when no other run has it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from builder.errors import BuilderError, InputError
from builder.training.record import FINAL
from builder.training.run import Run
from builder.training.snapshot import STORE


def remove(runs: Sequence[Run], everything: Sequence[Run]) -> None:
    """Delete the runs, of which `everything` are all that share their snapshots.

    Raises InputError when one of them goes on, before anything is deleted, and BuilderError for what cannot be.
    """
    if going := [run.id for run in runs if run.status not in FINAL]:
        names = " ".join(going)
        raise InputError(f"not ended: {names}; nothing was removed", hint=f"python -m builder runs stop {names}")
    removed = {run.id for run in runs}
    kept = {run.plan.snapshot.path for run in everything if run.id not in removed}
    for run in runs:
        copy = Path(run.plan.snapshot.path)
        delete(run.directory)
        if copy.parent == run.directory.parent / STORE and str(copy) not in kept:
            delete(copy)


def delete(directory: Path) -> None:
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        where = error.filename or directory
        raise BuilderError(f"{where}: cannot be removed: {error.strerror}", hint=f"ls -ld {where}") from None
