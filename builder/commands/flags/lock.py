"""The flags of `lock`."""

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from builder.commands.flags.kinds import repeatable, value
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOptions(Options):
    """What `lock` reads."""

    upgrade: tuple[str, ...] = ()
    exclude_newer: str | None = None
    conda_list: Path | None = None


def lock(sub: ArgumentParser) -> None:
    text = (
        "let these versions move; others stay. Cells like '1.6*', a distribution, what apt installs, "
        "or the bootstrapped base; repeatable"
    )
    repeatable(sub, "--upgrade", "upgrade", "CELL|PACKAGE|apt|base", text)
    listed = "record these packages of conda: what `conda list --explicit --md5` prints where that Python is"
    value(sub, "--conda-list", "FILE", listed, Path)
    value(sub, "--exclude-newer", "DATE", "ignore what was released after this day", day)


def day(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-01-31") from None
