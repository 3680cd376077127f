"""The flags of the verbs that a nightly run is made of."""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from builder.flags.publishing import PublishOptions
from builder.options import Options
from builder.shards import LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class CiOptions(PublishOptions):
    """What `ci` reads."""

    subject: str = "matrix"
    limit: int = LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions(Options):
    """What `drift` reads."""

    issue: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyOptions(PublishOptions):
    """What `nightly` reads: what `build --push` does, which goes on after a failure, and where reports go."""

    push: bool = True
    keep_going: bool = True
    output: Path | None = None


def nightly(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--output", type=Path, metavar="DIR", help="also the drift report, image-info.json and the catalogue, there"
    )


def drift(sub: ArgumentParser) -> None:
    sub.add_argument("--issue", type=Path, metavar="FILE", help="also write the report as the body of an issue")


def ci(sub: ArgumentParser) -> None:
    sub.add_argument("subject", choices=("matrix",), help="what to print: the job matrix of a workflow")
    sub.add_argument(
        "--limit", type=jobs, default=LIMIT, metavar="N", help="at most this many jobs (default: %(default)s)"
    )


def jobs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= LIMIT:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {LIMIT}")
    return int(text)
