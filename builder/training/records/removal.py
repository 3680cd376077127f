"""Removes what is kept of runs that have ended: record, log, outputs, and the snapshot when no other run has it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from builder.errors import BuilderError, InputError
from builder.host.files import remove as remove_path
from builder.training.local.run import Run
from builder.training.records.record import FILE, FINAL
from builder.training.request.snapshot import STORE, hidden


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
        is_ours = copy.parent == run.directory.parent / STORE and str(copy) not in kept
        with explained(run.directory):
            if is_ours:
                forget(copy)
            empty(run.directory)


def forget(copy: Path) -> None:
    """Delete a snapshot, unless another did; no run finds it half deleted."""
    with suppress(FileNotFoundError):
        remove_path(copy.rename(hidden(copy)))


def empty(directory: Path) -> None:
    """Delete a run, the record last: as long as anything is left it is a run, and can be removed again."""
    for path in directory.iterdir():
        if path.name != FILE:
            remove_path(path)
    remove_path(directory)


@contextmanager
def explained(directory: Path) -> Iterator[None]:
    """That something cannot be removed, as a BuilderError; what another removed meanwhile is removed."""
    try:
        yield
    except FileNotFoundError:
        return
    except OSError as error:
        where = error.filename or directory
        raise BuilderError(f"{where}: cannot be removed: {error.strerror}", hint=f"ls -ld {where}") from None
