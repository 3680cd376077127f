"""Which images passed which checks on this host: one small file for each digest, below the cache."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from builder.bootstrap import cache_directory
from builder.fingerprint import texts
from builder.memory import recall, remember
from builder.report import Report, summary

Say = Callable[[str], None]


def directory() -> Path:
    return cache_directory() / "verified"


def file_of(digest: str) -> Path:
    return directory() / f"{digest.removeprefix('sha256:')}.json"


def passed(digest: str) -> dict[str, Mapping[str, str]]:
    """Each version of the checks that the digest passed, with the day and the summary; damage means none."""
    try:
        content = recall(file_of(digest)) or {}
        if content.get("digest") != digest:
            return {}
        return {str(checks): texts(one) for checks, one in dict(content["passed"]).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def pass_of(report: Report, checks: str, say: Say) -> None:
    """Remember that the digest of a report passed; says so when it cannot: then it is verified again."""
    entry = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "summary": summary(report)}
    try:
        remember(file_of(report.digest), {"digest": report.digest, "passed": {**passed(report.digest), checks: entry}})
    except OSError as error:
        say(f"{directory()}: {error.strerror}: the image will be verified again next time")
