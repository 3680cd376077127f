"""Trying again, on a clock of the test's own: nothing here waits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from builder.host.retry import LONGEST_WAIT, RetryPolicy, later, retry, retry_after


class BusyError(Exception):
    """An error that passes; `wait` is what the server asks for, in seconds."""

    def __init__(self, wait: float = 0.0) -> None:
        super().__init__(wait)
        self.wait = wait


def passing(error: Exception) -> float | None:
    return error.wait if isinstance(error, BusyError) else None


@dataclass(slots=True)
class Clock:
    """A clock that only pauses and attempts move on."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def policy(self, *pauses: float, deadline: float = 1000.0) -> RetryPolicy:
        return RetryPolicy(
            pauses=pauses, deadline=deadline, sleep=self.sleep, clock=lambda: self.now, jitter=lambda: 1.0
        )


def fails(*errors: Exception) -> Callable[[], str]:
    """An attempt that raises each error once, and then returns `done`."""
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def says(*answers: str | None) -> Callable[[], str | None]:
    left = list(answers)
    return lambda: left.pop(0)


def test_pauses_grow_and_the_last_attempt_counts() -> None:
    clock = Clock()
    assert retry(fails(BusyError(), BusyError()), passing=passing, policy=clock.policy(1, 3)) == "done"
    assert clock.pauses == [1, 3]
    with pytest.raises(BusyError):
        retry(fails(*[BusyError()] * 3), passing=passing, policy=clock.policy(1, 3))


def test_an_error_that_stays_is_raised_at_once() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="never"):
        retry(fails(BusyError(), ValueError("never")), passing=passing, policy=clock.policy(1, 1))
    assert clock.pauses == [1]


def test_it_is_asked_before_each_attempt_whether_it_happened() -> None:
    clock, asked = Clock(), list[float]()

    def settled() -> str | None:
        asked.append(clock.now)
        return "stored" if len(asked) == 2 else None

    attempt = fails(*[BusyError()] * 9)
    assert retry(attempt, passing=passing, policy=clock.policy(1, 3, 9), settled=settled) == "stored"
    assert asked == [1, 4], "after the pause, so that a slow server had time"


def test_it_is_asked_before_giving_up_whether_it_happened() -> None:
    policy = Clock().policy(1)
    for errors in ([BusyError()] * 2, [BusyError(86400)]):
        answers = says(*[None] * (len(errors) - 1), "stored")
        assert retry(fails(*errors), passing=passing, policy=policy, settled=answers) == "stored"


def test_a_question_without_an_answer_is_no_answer() -> None:
    def settled() -> str | None:
        raise BusyError(1)

    policy = Clock().policy(1)
    assert retry(fails(BusyError()), passing=passing, policy=policy, settled=settled) == "done"
    with pytest.raises(BusyError) as error:
        retry(fails(BusyError(7), BusyError(8)), passing=passing, policy=policy, settled=settled)
    assert error.value.wait == 8, "the error of the attempt, not that of the question"


@pytest.mark.parametrize(("wait", "pauses"), [(0, [2]), (1, [2]), (30, [30]), (LONGEST_WAIT, [LONGEST_WAIT])])
def test_the_server_may_ask_for_a_longer_pause(wait: float, pauses: list[float]) -> None:
    clock = Clock()
    assert retry(fails(BusyError(wait)), passing=passing, policy=clock.policy(2)) == "done"
    assert clock.pauses == pauses


def test_a_day_is_not_waited_for() -> None:
    clock = Clock()
    with pytest.raises(BusyError):
        retry(fails(BusyError(86400)), passing=passing, policy=clock.policy(1, 1))
    assert clock.pauses == []


def test_no_attempt_begins_after_the_deadline() -> None:
    clock, begun = Clock(), list[float]()

    def attempt() -> str:
        begun.append(clock.now)
        clock.now += 40
        raise BusyError

    with pytest.raises(BusyError):
        retry(attempt, passing=passing, policy=clock.policy(*[10.0] * 9, deadline=100))
    assert begun == [0, 50, 100]


def test_what_brings_a_part_may_fail_more_often() -> None:
    clock, parts = Clock(), iter([1, 2, 3, 3, 4, 5, 5, 5])
    stored = [0]

    def attempt() -> str:
        stored[0] = next(parts)
        raise BusyError

    with pytest.raises(BusyError):
        retry(attempt, passing=passing, policy=clock.policy(1, 5), progress=lambda: stored[0])
    assert clock.pauses == [1, 1, 1, 5, 1, 1, 5]


def test_retry_after_is_a_number_or_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    cases: Iterable[tuple[str | None, float]] = (
        ("7", 7.0),
        ("86400", 86400.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("-3", 0.0),
        ("soon", 0.0),
        ("1e9", 0.0),
        (None, 0.0),
    )
    for said, seconds in cases:
        assert retry_after(said) == seconds
    assert 80 < retry_after(soon) <= 90


@pytest.mark.parametrize(
    ("wait", "words"), [(86400, "24 hours"), (3600, "60 minutes"), (61, "61 seconds"), (10 * 86400, "10 days")]
)
def test_a_long_wait_in_words(wait: float, words: str) -> None:
    assert later(wait) == f"repeat it in {words}: the server asks for that"
    assert later(LONGEST_WAIT) is None
