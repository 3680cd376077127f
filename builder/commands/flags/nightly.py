"""The flags of `nightly`, `drift` and `ci`."""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from builder.commands.flags import shared
from builder.commands.flags.build import BuildOptions
from builder.commands.flags.durations import age
from builder.commands.flags.kinds import value
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.matrix.shards import LIMIT

RENEW_AFTER = timedelta(days=15)
"""Half of `verify-published --max-age 30d`: after a night that fails, a fortnight of nights is left."""

GIGABYTE, MOST_DISK = 1_000_000_000, 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CiOptions(PublishOptions):
    """What `ci` reads."""

    subject: str = "matrix"
    limit: int = LIMIT
    disk: int | None = None


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
    text = f"with --attest: verify and attest again what was verified longer ago (default: {RENEW_AFTER.days}d)"
    value(sub, "--renew-after", "AGE", text, age)
    value(sub, "--output", "DIR", "also write the drift report, image-info.json and the catalogue there", Path)


def drift(sub: ArgumentParser) -> None:
    value(sub, "--issue", "FILE", "also write the report as the body of an issue", Path)
    shared.registries(sub, "also report tags there that no row has any more; repeatable")


def ci(sub: ArgumentParser) -> None:
    text = "also print jobs for images that the trusted signer has not attested, or verified longer ago than, say, 15d"
    value(sub, "--renew-after", "AGE", text, age)
    value(sub, "--disk", "SIZE", "leave out, and say, jobs whose build takes more disk than, say, 40GB", gigabytes)
    sub.add_argument("subject", choices=("matrix",), help="what to print: the job matrix of a workflow")
    sub.add_argument(
        "--limit", type=jobs, default=LIMIT, metavar="N", help="at most this many jobs (default: %(default)s)"
    )


def jobs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= LIMIT:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {LIMIT}")
    return int(text)


def gigabytes(text: str) -> int:
    """A number of gigabytes, `40GB`, in bytes."""
    number = text.removesuffix("GB")
    if not number.isdigit() or not 1 <= int(number) <= MOST_DISK:
        raise ArgumentTypeError(f"{text!r} is no number of gigabytes, like 40GB")
    return int(number) * GIGABYTE
