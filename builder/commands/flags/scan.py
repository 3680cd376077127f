"""The flags of `scan`."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from builder.advisories.severity import SEVERITIES
from builder.commands.flags.kinds import value
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions(Options):
    """What `scan` reads. `advisories` takes the place of the site's."""

    advisories: Path | None = None
    fail_on: str = "none"
    vex: Path | None = None


def scan(sub: ArgumentParser) -> None:
    value(sub, "--advisories", "PATH", "a directory or an archive of OSV records, instead of the site's", Path)
    text = "fail for findings this bad, or that nobody has rated (default: none, which is any)"
    sub.add_argument("--fail-on", choices=[one for one in SEVERITIES if one != "unknown"], help=text)
    value(sub, "--vex", "FILE", "write what is accepted there, as OpenVEX", Path)
