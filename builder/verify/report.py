"""What the checks of one image found."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from builder.matrix.promise import Promise

Outcome = Literal["passed", "failed", "not-checked"]
Gpu = Literal["nvidia", "none"]
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+~-]{0,60}")
"""An architecture, or the version of an engine."""
SKEW = timedelta(minutes=5)
"""How much later it may be on the host that verified than it is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check: its name, what came out, and in one line why."""

    name: str
    outcome: Outcome
    message: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKind:
    """On what kind of host the checks ran; nothing here names a machine."""

    architecture: str
    """As OCI names it."""
    gpu: Gpu
    engine: str
    """The version of Docker Engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the checks of one image found; `measured` has the version that was read of each asserted pin."""

    reference: str
    digest: str
    promise: Promise
    results: tuple[Result, ...]
    measured: Mapping[str, str]
    host: HostKind
    seconds: float
    junit: Path | None
    log: Path | None
    packages: Mapping[str, str] = field(default_factory=dict)
    """The installed Debian packages, by name; empty where the image has no dpkg."""

    @property
    def passed(self) -> bool:
        return all(result.outcome != "failed" for result in self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A verification that an image passed; `checks` is the version of all checks, `when` the time it ended."""

    checks: str
    when: str
    host: HostKind
    measured: Mapping[str, str]
    results: tuple[Result, ...]


def is_past(when: datetime) -> bool:
    """Whether a verification can have ended then: one of the future counts for nothing."""
    return when <= datetime.now(UTC) + SKEW


def summary(report: Report) -> str:
    """One line: `14 pins, 14 asserted; 31 passed, 0 failed, 3 not checked (no GPU here); 4.2 s`."""
    return f"{counted(report.promise, report.measured, report.results)}; {report.seconds:.1f} s"


def counted(promise: Promise, measured: Mapping[str, str], results: Sequence[Result]) -> str:
    """How many pins were asserted, and how many checks ended how."""
    count = Counter(result.outcome for result in results)
    why = sorted({result.message for result in results if result.outcome == "not-checked"})
    reasons = f" ({'; '.join(why)})" if why else ""
    checks = f"{count['passed']} passed, {count['failed']} failed, {count['not-checked']} not checked{reasons}"
    return f"{len(promise.pins)} pins, {len(measured)} asserted; {checks}"
