"""The flags of `lock`."""

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOptions(Options):
    """What `lock` reads."""

    upgrade: tuple[str, ...] = ()
    exclude_newer: str | None = None
    conda_list: Path | None = None


def lock(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--upgrade",
        action="append",
        default=[],
        metavar="CELL|PACKAGE|apt|base",
        help="let these versions move; others stay. Cells like '1.6*', a distribution, what apt installs, "
        "or the bootstrapped base; repeatable",
    )
    sub.add_argument(
        "--conda-list",
        type=Path,
        metavar="FILE",
        help="record these packages of conda: what `conda list --explicit --md5` prints where that Python is",
    )
    sub.add_argument("--exclude-newer", type=day, metavar="DATE", help="ignore what was released after this day")


def day(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-01-31") from None
