"""Asks many questions side by side, all within one time: whoever is silent costs no more than that."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = 32


def answers(questions: Sequence[Callable[[], T]], seconds: float) -> list[T | None]:
    """What each question gives, in their order; None for one that is not answered in that many seconds.

    Raises what a question raises. One that is still waiting ends with the process.
    """
    waiting, found, errors = deque(enumerate(questions)), dict[int, T](), list[Exception]()

    def work() -> None:
        while not errors:
            try:
                number, question = waiting.popleft()
            except IndexError:
                return
            try:
                found[number] = question()
            except Exception as error:  # noqa: BLE001 (raised where `answers` was called)
                errors.append(error)

    # They are not waited for when the interpreter ends, as those of a pool would be.
    threads = [threading.Thread(target=work, daemon=True) for _ in questions[:AT_ONCE]]
    limit = time.monotonic() + seconds
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join(max(0.0, limit - time.monotonic()))
    finally:
        waiting.clear()
    if errors:
        raise errors[0]
    return [found.get(number) for number in range(len(questions))]
