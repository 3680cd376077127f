"""Long cases of which a day runs one: each within a week, chosen by the date, or by $ROTATION.

$ROTATION is a date such as 2026-11-27, the name of a case, `all` or `none`.
"""

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence

import pytest
from _pytest.mark import ParameterSet

WORDS = ("all", "none")
DAYS = 7


def rotating(*cases: str, first: int = 0) -> list[ParameterSet]:
    """The cases as values of a parameter: the first runs on Mondays, or on another weekday, the second a day later."""
    return [
        pytest.param(case, id=case, marks=pytest.mark.rotation(case, number % DAYS))
        for number, case in enumerate(cases, first)
    ]


def chosen(cases: Mapping[str, int], wish: str) -> list[str]:
    """The cases that run, of all by name with their weekday; raises pytest.UsageError for a wish that is no choice."""
    if wish in WORDS:
        return list(cases) if wish == "all" else []
    if wish in cases:
        return [wish]
    try:
        day = dt.date.fromisoformat(wish)
    except ValueError:
        names = ", ".join([*WORDS, *cases])
        raise pytest.UsageError(f"ROTATION={wish!r}: neither a date such as 2026-11-27 nor one of {names}") from None
    return [name for name, weekday in cases.items() if weekday == day.weekday()]


def split(items: Sequence[pytest.Item], wish: str) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The items that run, and the cases of another day."""
    marks = {item: mark for item in items if (mark := item.get_closest_marker("rotation"))}
    if not marks:
        return list(items), []
    names = chosen({str(mark.args[0]): int(mark.args[1]) for mark in marks.values()}, wish)
    left = [item for item, mark in marks.items() if mark.args[0] not in names]
    return [item for item in items if item not in left], left


def said(items: Sequence[pytest.Item], wish: str) -> str:
    """A line on the choice, to be printed before the first test; without a case it says that none runs."""
    names = [str(mark.args[0]) for item in items if (mark := item.get_closest_marker("rotation"))]
    return f"rotation of {wish_in_words(wish)}: {', '.join(names) or 'none'}; ROTATION=all, none, a name or a date runs others"


def wish_in_words(wish: str) -> str:
    """A date with its weekday; anything else as it is."""
    try:
        day = dt.date.fromisoformat(wish)
    except ValueError:
        return wish
    return f"{calendar.day_name[day.weekday()]}, {day}"


def today() -> str:
    """The date in UTC, so that all workers and machines agree."""
    return dt.datetime.now(dt.UTC).date().isoformat()
