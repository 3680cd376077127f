"""Removes runs that have ended: record, log, outputs, and the snapshot unless another run shares it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from builder.errors import BuilderError, InputError
from builder.host.files import remove as remove_path
from builder.training.records.record import FILE, FINAL
from builder.training.records.run import Run
from builder.training.request.snapshot import STORE, hidden


def remove(runs: Sequence[Run], everything: Sequence[Run]) -> None:
    """Delete the runs. `everything` lists all runs, because a snapshot stays while one of the others shares it.

    Raises InputError when one of `runs` goes on; then nothing is deleted. Raises BuilderError when a file stays.
    """
    if going := [run.id for run in runs if run.status not in FINAL]:
        names = " ".join(going)
        raise InputError(f"these runs go on: {names}; nothing was removed", hint=f"python -m builder runs stop {names}")
    removed = {run.id for run in runs}
    kept = {run.plan.snapshot.path for run in everything if run.id not in removed}
    for run in runs:
        copy = Path(run.plan.snapshot.path)
        is_ours = copy.parent == run.directory.parent / STORE and str(copy) not in kept
        with removal_errors(run.directory):
            if is_ours:
                forget(copy)
            empty(run.directory)


def forget(copy: Path) -> None:
    """Delete a snapshot unless another process did. It is renamed first, so no run finds half of it."""
    with suppress(FileNotFoundError):
        remove_path(copy.rename(hidden(copy)))


def empty(directory: Path) -> None:
    """Delete a run, its record last: what is left after an error is still a run, and can be removed again."""
    for path in directory.iterdir():
        if path.name != FILE:
            remove_path(path)
    remove_path(directory)


@contextmanager
def removal_errors(directory: Path) -> Iterator[None]:
    """Turn an error of the block into a BuilderError. A file that another process removed is no error."""
    try:
        yield
    except FileNotFoundError:
        return
    except OSError as error:
        where = error.filename or directory
        raise BuilderError(f"{where}: cannot be removed: {error.strerror}", hint=f"ls -ld {where}") from None
