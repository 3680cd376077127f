"""One way to try again: pauses that grow, a deadline, Retry-After, and the question "did it happen after all?".

An answer can get lost after the server did what it was asked. So `settled` is asked before each new attempt, and once
more before giving up. tenacity and stamina do not have that question, so this is our own.

    retry(lambda: put(manifest), passing=seconds_to_wait, settled=lambda: manifest if is_stored(manifest) else None)
"""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import TypeVar

T = TypeVar("T")
LONGEST_WAIT = 60.0
"""Seconds that a server may ask us to wait. A longer time is said to the person, and is not waited for."""
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def jitter() -> float:
    """The part of a pause that is waited, at random, so that many clients do not come back at once."""
    return random.uniform(0.5, 1)  # noqa: S311 (no secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long something is tried; `sleep` may raise an error to end it."""

    pauses: tuple[float, ...] = (0.3, 1.0, 3.0, 8.0, 20.0)
    """Seconds before each further attempt: five pauses are six attempts."""
    deadline: float = 600.0
    """Seconds for the whole operation: no attempt begins later."""
    stalled: float = inf
    """Seconds without progress after which no attempt begins."""
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = jitter


def pause(policy: RetryPolicy, failures: int, wait: float, spent: float) -> float | None:
    """The seconds before the next attempt, after `failures` failed ones in a row; None when there is none.

    `wait` is what the server asked for, and `spent` the time since the first attempt, both in seconds.
    """
    if failures > len(policy.pauses) or wait > LONGEST_WAIT:
        return None
    seconds = max(policy.pauses[failures - 1] * policy.jitter(), wait)
    return seconds if spent + seconds <= policy.deadline else None


def retry(
    attempt: Callable[[], T],
    *,
    passing: Callable[[Exception], float | None],
    policy: RetryPolicy,
    settled: Callable[[], T | None] = lambda: None,
    progress: Callable[[], object] = lambda: None,
) -> T:
    """What `attempt` returns, or what `settled` returns once it is not None; raises the error of the last attempt.

    `passing` returns None for an error that will stay, else the seconds that the server asks to wait. When the value
    of `progress` has changed, the failures are counted anew: each attempt brought a part. The deadline stays.
    """
    before, failures = progress(), 0
    began = moved = policy.clock()
    while True:
        try:
            return attempt()
        except Exception as error:
            if (wait := passing(error)) is None:
                raise
            failures += 1
            if (now := progress()) != before:
                before, failures, moved = now, 1, policy.clock()
            spent = policy.clock() - began
            seconds = pause(policy, failures, wait, spent) if policy.clock() - moved <= policy.stalled else None
            if seconds is not None:
                policy.sleep(seconds)
            if (found := known(settled, passing)) is not None:
                return found
            if seconds is None:
                raise


def known(settled: Callable[[], T | None], passing: Callable[[Exception], float | None]) -> T | None:
    """What `settled` returns; None also when its own question fails in a way that passes."""
    try:
        return settled()
    except Exception as error:
        if passing(error) is None:
            raise
        return None


def retry_after(said: str | None) -> float:
    """The seconds of a Retry-After header, which is a number or a date; 0 when it says nothing sensible."""
    from email.utils import parsedate_to_datetime

    text = (said or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def later(wait: float) -> str | None:
    """The next step when a server asks for a longer wait than ours, such as `repeat it in 24 hours: ...`; else None."""
    if wait <= LONGEST_WAIT:
        return None
    size, unit = next((size, unit) for size, unit in UNITS if wait >= 2 * size or size == 1)
    return f"repeat it in {-(-wait // size):.0f} {unit}s: the server asks for that"
