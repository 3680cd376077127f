"""Waiting for something to be so, and no longer than it may take."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE = 0.02


def until(condition: Callable[[], Found], seconds: float, what: str | Callable[[], str]) -> Found:
    """What the condition gives as soon as that is true; fails with `what` when it is not within so many seconds."""
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, f"not within {seconds:g} s: {what() if callable(what) else what}"
        time.sleep(PAUSE)
    return found
