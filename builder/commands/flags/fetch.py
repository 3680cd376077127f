"""The flags of `fetch`."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions(Options):
    """What `fetch` reads."""

    to: Path | None = None
    only_check: Path | None = None


def fetch(sub: ArgumentParser) -> None:
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", type=Path, metavar="DIR", help="fill this directory; whole files that are there are kept")
    what.add_argument(
        "--check", type=Path, metavar="DIR", dest="only_check", help="change nothing; exit 3 when it is not complete"
    )
