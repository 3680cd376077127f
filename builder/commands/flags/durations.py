"""Durations as people write them, `90s`, `1h30m` or `30d`, for every flag that takes one."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import timedelta

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
NAMES = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}
PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([a-z]*) ?", re.ASCII)
YEAR, CENTURY = 366 * UNITS["d"], 36_525 * UNITS["d"]


def duration(text: str, unit: str) -> int | None:
    """The seconds of a text; None when it is no duration. A number alone is in `unit`, e.g. `s`.

    Units come from the longest to the shortest, each once: `1h30m`, but neither `30m1h` nor `1h1h`.
    """
    plain = text.strip().lower()
    parts = PART.findall(plain)
    if not parts or PART.sub("", plain):
        return None
    units = [unit if not name and len(parts) == 1 else NAMES.get(name, "") for _, name in parts]
    sizes = [UNITS.get(one, 0) for one in units]
    if 0 in sizes or sizes != sorted(set(sizes), reverse=True):
        return None
    total = sum(float(number) * size for (number, _), size in zip(parts, sizes, strict=True))
    return int(total) if total == int(total) else None


def written(seconds: int) -> str:
    """A duration for people, e.g. `1h30m`."""
    found = []
    for name, size in reversed(UNITS.items()):
        count, seconds = divmod(seconds, size)
        found += [f"{count}{name}"] if count else []
    return "".join(found) or "0s"


def within(least: int, most: int) -> Callable[[str], int]:
    """What reads a flag of so many seconds; a number alone is in seconds."""

    def read(text: str) -> int:
        found = duration(text, "s")
        if found is None:
            raise ArgumentTypeError(f"{text!r} is no duration like 90s, 10m or 1h30m")
        if not least <= found <= most:
            raise ArgumentTypeError(f"{text!r} is not between {written(least)} and {written(most)}")
        return found

    return read


def age(text: str) -> timedelta:
    """What reads the flag of an age in whole hours: `30d`, `36h`. A number alone is in days; `1m` may be a month."""
    found = duration(text, "d")
    if found is None or found % UNITS["h"] or found > CENTURY:
        raise ArgumentTypeError(f"{text!r} is no age like 30d, 36h or 1w")
    return timedelta(seconds=found)
