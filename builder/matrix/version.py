"""Versions are text from the file to the comparison: `3.10` stays `3.10`, and `12.10` is newer than `12.9`."""

import re

VERSION_PATTERN = re.compile(
    r"[0-9]{1,8}(\.[0-9]{1,8}){0,5}((a|b|rc)[0-9]{1,4})?(\.post[0-9]{1,4})?(\+[a-z0-9]{1,16})?"
)


def is_version(text: str) -> bool:
    """Whether `text` is a version as the matrix writes it: a PEP 440 release, with an optional local part."""
    return VERSION_PATTERN.fullmatch(text) is not None


def components(text: str) -> tuple[str, ...]:
    """The dotted parts of a version's release, without leading zeros: `7.06.3` gives `("7", "6", "3")`."""
    release = re.match(r"[0-9.]*", text)
    return tuple(part.lstrip("0") or "0" for part in (release.group() if release else "").split(".") if part)


def matches(wanted: str, found: str) -> bool:
    """Whether `found` is `wanted`, or a more exact form of it: `1.6` matches `1.6.0`, never `1.60`."""
    head = components(wanted)
    return bool(head) and components(found)[: len(head)] == head


def order(text: str) -> tuple[int, ...]:
    """A sort key in which `12.10` follows `12.9`."""
    return tuple(int(part) for part in components(text))


def short(text: str, count: int) -> str:
    """The first `count` parts: `short("10.1.243", 2)` is `10.1`."""
    return ".".join(components(text)[:count])
