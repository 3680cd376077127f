"""Versions are text from the file to the comparison, which PEP 440 decides: `12.10` is newer than `12.9`."""

import re

from packaging.version import InvalidVersion, Version

VERSION_PATTERN = re.compile(
    r"[0-9]{1,8}(\.[0-9]{1,8}){0,5}((a|b|rc)[0-9]{1,4})?(\.post[0-9]{1,4})?(\+[a-z0-9]{1,16})?"
)
RELEASE = re.compile(r"[0-9]+(\.[0-9]+)*")
NONE = Version("0")


def is_version(text: str) -> bool:
    """Whether `text` is a version as the matrix writes it: a PEP 440 release, with an optional local part."""
    return VERSION_PATTERN.fullmatch(text) is not None


def is_final(text: str) -> bool:
    """Whether the version is a release: `1.10.0` and `1.10.0.post1` are, `1.10.0rc1` is not."""
    return not order(text).is_prerelease


def components(text: str) -> tuple[str, ...]:
    """The dotted parts of a version's release, without leading zeros: `7.06.3` gives `("7", "6", "3")`."""
    release = re.match(r"[0-9.]*", text)
    return tuple(part.lstrip("0") or "0" for part in (release.group() if release else "").split(".") if part)


def matches(wanted: str, found: str) -> bool:
    """Whether `found` is `wanted`, or a more exact form: `1.6` matches `1.6.0`, never `1.60` and never `1.6.0rc1`."""
    if not (RELEASE.match(wanted) and RELEASE.match(found)):
        return False
    head, whole = order(wanted), order(found)
    is_same_stage = (head.pre, head.dev) == (whole.pre, whole.dev)
    return is_same_stage and whole.release[: len(head.release)] == head.release


def order(text: str) -> Version:
    """What versions are compared by; of a text that is no version, its leading number: `1.2` of `1.2~odd`, else 0."""
    try:
        return Version(text)
    except InvalidVersion:
        release = RELEASE.match(text)
        return Version(release.group()) if release else NONE


def short(text: str, count: int) -> str:
    """The first `count` parts: `short("10.1.243", 2)` is `10.1`."""
    return ".".join(components(text)[:count])
