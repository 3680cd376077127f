"""Sizes as Docker, Kubernetes and people write them, for every flag and argument that takes one.

A unit is a power of 1024, with or without the i: https://docs.docker.com/engine/containers/resource_constraints/.
"""

import re

SIZE = re.compile(r"(?P<number>[0-9]{1,15}(?:\.[0-9]{1,6})?) ?(?:(?P<unit>[kmgt])(?:b|ib?)?|b)?", re.IGNORECASE)
POWERS = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size(text: object) -> int | None:
    """The bytes of a text like `2g`, `8GiB`, `512M` or `1024`. None when it is not a size, or when it is 0."""
    found = SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    count = int(float(found["number"]) * 1024 ** POWERS[(found["unit"] or "b").lower()])
    return count or None


def written(count: int) -> str:
    """Bytes as they may be written, e.g. `300m`; in the largest unit that divides them."""
    units = [unit for unit, power in POWERS.items() if power and count and not count % 1024**power]
    return f"{count // 1024 ** POWERS[units[-1]]}{units[-1]}" if units else f"{count} bytes"


def shown(count: int) -> str:
    """Bytes for people, e.g. `1.5 GB`, in powers of 1000."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 (the next unit begins)
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
