"""The flags of `nightly`, `drift` and `ci`."""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from builder.commands.flags import shared
from builder.commands.flags.attest import days
from builder.commands.flags.build import BuildOptions
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.matrix.shards import LIMIT

RENEW_AFTER = timedelta(days=15)
"""Half of `verify-published --max-age 30d`: after a night that fails, a fortnight of nights is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CiOptions(PublishOptions):
    """What `ci` reads."""

    subject: str = "matrix"
    limit: int = LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions(Options):
    """What `drift` reads."""

    issue: Path | None = None
    registries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyOptions(BuildOptions):
    """What `nightly` reads: the options of `build --push --keep-going`, and its own."""

    push: bool = True
    keep_going: bool = True
    renew_after: timedelta | None = RENEW_AFTER
    output: Path | None = None


def nightly(sub: ArgumentParser) -> None:
    renewing(sub, RENEW_AFTER, "with --attest: verify and attest again what was verified longer ago")
    sub.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="also write the drift report, image-info.json and the catalogue there",
    )


def renewing(sub: ArgumentParser, default: timedelta | None, text: str) -> None:
    told = f" (default: {default.days}d)" if default else ""
    sub.add_argument("--renew-after", type=days, default=default, metavar="DAYS", help=text + told)


def drift(sub: ArgumentParser) -> None:
    shared.insecure(sub)
    sub.add_argument("--issue", type=Path, metavar="FILE", help="also write the report as the body of an issue")
    sub.add_argument(
        "--registry",
        action="append",
        dest="registries",
        default=[],
        metavar="HOST[/PREFIX]",
        help="also report tags there that no row has any more; repeatable",
    )


def ci(sub: ArgumentParser) -> None:
    renewing(sub, None, "also print jobs for images that are not attested, or were verified longer ago than, say, 15d")
    sub.add_argument("subject", choices=("matrix",), help="what to print: the job matrix of a workflow")
    sub.add_argument(
        "--limit", type=jobs, default=LIMIT, metavar="N", help="at most this many jobs (default: %(default)s)"
    )


def jobs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= LIMIT:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {LIMIT}")
    return int(text)
