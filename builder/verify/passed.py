"""Which images passed which checks on this host: one small file a digest, in the cache."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder.host.cache import Say, cache_directory, keep, known, texts
from builder.matrix.promise import matched
from builder.verify.report import WORD, HostKind, Report, Result, Verification, is_past, summary

Entries = Mapping[str, Mapping[str, Any]]


def directory() -> Path:
    return cache_directory() / "verified"


def file_of(digest: str) -> Path:
    return directory() / f"{digest.removeprefix('sha256:')}.json"


def passed(digest: str) -> dict[str, Mapping[str, str]]:
    """The versions of the checks that the digest passed, each with the time and the summary."""
    return known(file_of(digest), lambda content: summaries(entries(content, digest))) or {}


def summaries(found: Entries) -> dict[str, Mapping[str, str]]:
    return {str(checks): {key: str(one[key]) for key in ("when", "summary")} for checks, one in found.items()}


def entries(content: Mapping[str, Any], digest: str) -> Entries:
    """The entries of a file, by the version of the checks; raises an error of the shape.

    Those without a host are of a program that did not remember it, and count for nothing.
    """
    if content["digest"] != digest:
        raise ValueError("it is of another digest")
    return {checks: one for checks, one in content["passed"].items() if "host" in one}


def verification(digest: str, checks: str, *, since: datetime | None = None) -> Verification | None:
    """The verification by these checks that the digest passed at `since` or later; None when it is not known here.

    One that ended in the future, as a wrong clock has it, is not known.
    """

    def read(content: Mapping[str, Any]) -> Verification | None:
        entry = entries(content, digest).get(checks)
        if entry is None:
            return None
        when = datetime.fromisoformat(str(entry["when"]))
        if not is_past(when) or (since and when < since):
            return None
        return Verification(
            checks=checks,
            when=str(entry["when"]),
            host=host(entry["host"]),
            measured=texts(entry["measured"]),
            results=tuple(Result(**one, seconds=0.0) for one in entry["results"]),
        )

    return known(file_of(digest), read)


def host(content: Mapping[str, Any]) -> HostKind:
    """The host of an entry; raises an error of the shape."""
    return HostKind(
        architecture=matched(content["architecture"], WORD),
        gpu="none" if content["gpu"] == "none" else "nvidia",
        engine=matched(content["engine"], WORD),
    )


def pass_of(report: Report, checks: str, say: Say) -> Verification:
    """Remember that the digest of a report passed; says so when that fails. Returns the verification."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    results = [{"name": one.name, "outcome": one.outcome, "message": one.message} for one in report.results]
    said = {"when": when, "summary": summary(report), "host": asdict(report.host)}
    entry = {**said, "measured": dict(report.measured), "results": results}
    file, digest = file_of(report.digest), report.digest
    before = known(file, lambda content: dict(entries(content, digest))) if passed(digest) else {}
    content = {"digest": digest, "passed": {**(before or {}), checks: entry}}
    keep(file, content, "the image will be verified again next time", say)
    measured = dict(report.measured)
    return Verification(checks=checks, when=when, host=report.host, measured=measured, results=report.results)
