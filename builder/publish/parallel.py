"""Runs several transfers side by side, in threads; the first error or Ctrl-C ends them."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from builder.errors import UnavailableError

AT_ONCE = 4
GRACE_SECONDS = 5.0
"""How long Ctrl-C waits for transfers to end; one that still waits for an answer ends with the process."""
Job = Callable[[threading.Event], object]
"""Its event is set when it should end by itself."""


def run(jobs: Sequence[Job]) -> None:
    """Run all jobs in that order, a few at once; raises the first error once no job runs any more.

    After an error no job begins. An error that may pass lets the running jobs end; any other sets their event.
    """
    waiting, errors, stop = deque(jobs), list[BaseException](), threading.Event()

    def work() -> None:
        with suppress(IndexError):
            while not errors:
                attempt(waiting.popleft(), errors, stop)

    # They are not waited for when the interpreter ends, as those of a pool would be.
    threads = [threading.Thread(target=work, daemon=True) for _ in jobs[:AT_ONCE]]
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    except BaseException:
        waiting.clear()
        stop.set()
        limit = time.monotonic() + GRACE_SECONDS
        for one in threads:
            one.join(max(0.0, limit - time.monotonic()))
        raise
    if errors:
        raise next((error for error in errors if not isinstance(error, UnavailableError)), errors[0])


def attempt(job: Job, errors: list[BaseException], stop: threading.Event) -> None:
    """Run a job and keep its error; an error that stays stops the other jobs."""
    try:
        job(stop)
    except BaseException as error:  # noqa: BLE001 (raised where `run` was called)
        errors.append(error)
        if not isinstance(error, UnavailableError):
            stop.set()
