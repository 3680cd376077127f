"""Which images passed which checks on this host: one small file for each digest, below the cache."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder.bootstrap import cache_directory
from builder.fingerprint import texts
from builder.memory import recall, remember
from builder.report import Report, Result, summary
from builder.statements import Verification

Say = Callable[[str], None]


def directory() -> Path:
    return cache_directory() / "verified"


def file_of(digest: str) -> Path:
    return directory() / f"{digest.removeprefix('sha256:')}.json"


def passed(digest: str) -> dict[str, Mapping[str, str]]:
    """Each version of the checks that the digest passed, with the day and the summary; damage means none."""
    try:
        entries = dict(entries_of(digest))
        return {str(checks): {key: str(one[key]) for key in ("when", "summary")} for checks, one in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def entries_of(digest: str) -> Mapping[str, Mapping[str, Any]]:
    """What is remembered of the digest, by the version of the checks; raises an error of its shape when damaged."""
    content = recall(file_of(digest)) or {}
    found: Mapping[str, Mapping[str, Any]] = content["passed"] if content.get("digest") == digest else {}
    return found


def verification(digest: str, checks: str) -> Verification | None:
    """The verification by these checks that the digest passed, or None: it is not known here, or not its results."""
    try:
        entry = entries_of(digest)[checks]
        return Verification(
            checks=checks,
            when=str(entry["when"]),
            measured=texts(entry["measured"]),
            results=tuple(Result(**one, seconds=0.0) for one in entry["results"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def pass_of(report: Report, checks: str, say: Say) -> Verification:
    """Remember that the digest of a report passed; says so when it cannot: then it is verified again."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    results = [{"name": one.name, "outcome": one.outcome, "message": one.message} for one in report.results]
    entry = {"when": when, "summary": summary(report), "measured": dict(report.measured), "results": results}
    before = dict(entries_of(report.digest)) if passed(report.digest) else {}
    try:
        remember(file_of(report.digest), {"digest": report.digest, "passed": {**before, checks: entry}})
    except OSError as error:
        say(f"{directory()}: {error.strerror}: the image will be verified again next time")
    return Verification(checks=checks, when=when, measured=dict(report.measured), results=report.results)
