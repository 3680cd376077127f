"""Which images passed which checks on this host: one small file for each digest, below the cache."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder.host.cache import cache_directory, keep, known, texts
from builder.verify.report import Report, Result, Verification, summary

Say = Callable[[str], None]
Entries = Mapping[str, Mapping[str, Any]]


def directory() -> Path:
    return cache_directory() / "verified"


def file_of(digest: str) -> Path:
    return directory() / f"{digest.removeprefix('sha256:')}.json"


def passed(digest: str) -> dict[str, Mapping[str, str]]:
    """Each version of the checks that the digest passed, with the day and the summary."""
    return known(file_of(digest), lambda content: summaries(entries(content, digest))) or {}


def summaries(found: Entries) -> dict[str, Mapping[str, str]]:
    return {str(checks): {key: str(one[key]) for key in ("when", "summary")} for checks, one in found.items()}


def entries(content: Mapping[str, Any], digest: str) -> Entries:
    """What a file says of the digest, by the version of the checks; raises an error of its shape."""
    if content["digest"] != digest:
        raise ValueError("it is of another digest")
    found: Entries = content["passed"]
    return found


def verification(digest: str, checks: str, *, since: datetime | None = None) -> Verification | None:
    """The verification by these checks that the digest passed, `since` then; None where it is not known here."""

    def read(content: Mapping[str, Any]) -> Verification | None:
        entry = entries(content, digest).get(checks)
        if entry is None or (since and datetime.fromisoformat(str(entry["when"])) < since):
            return None
        return Verification(
            checks=checks,
            when=str(entry["when"]),
            measured=texts(entry["measured"]),
            results=tuple(Result(**one, seconds=0.0) for one in entry["results"]),
        )

    return known(file_of(digest), read)


def pass_of(report: Report, checks: str, say: Say) -> Verification:
    """Remember that the digest of a report passed; says so when it cannot: then it is verified again."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    results = [{"name": one.name, "outcome": one.outcome, "message": one.message} for one in report.results]
    entry = {"when": when, "summary": summary(report), "measured": dict(report.measured), "results": results}
    file, digest = file_of(report.digest), report.digest
    before = known(file, lambda content: dict(entries(content, digest))) if passed(digest) else {}
    content = {"digest": digest, "passed": {**(before or {}), checks: entry}}
    keep(file, content, "the image will be verified again next time", say)
    return Verification(checks=checks, when=when, measured=dict(report.measured), results=report.results)
