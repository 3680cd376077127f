"""The flags of the verbs that judge, lock and build."""

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path


def build(sub: ArgumentParser) -> None:
    sub.add_argument("--print", action="store_true", help="with --dry-run: also the Dockerfiles")
    sub.add_argument(
        "-j", "--jobs", type=count, metavar="N", help="images built at once (default: what cores and memory allow)"
    )
    sub.add_argument("--keep-going", action="store_true", help="a failed image does not stop the others")
    sub.add_argument("--no-cache", action="store_true", help="repeat every step")
    sub.add_argument(
        "--refresh-toolchain",
        action="store_true",
        help="compile and install on the newest bootstrapped base too, from now on: everything is made from nothing",
    )


def cells(sub: ArgumentParser) -> None:
    sub.add_argument("cells", nargs="+", metavar="CELL", help="a name that `list` prints, or an image")


def doctor(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--write-site", type=Path, metavar="FILE", help="write a site file that suits this machine, unless it exists"
    )


def validate(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--as-documented", action="store_true", help="judge the documented versions instead of those in use"
    )


def lock(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--upgrade",
        action="append",
        default=[],
        metavar="ROW|PACKAGE|apt|base",
        help="let these versions move, which stay otherwise: images like '1.6*', a distribution, what apt installs, "
        "or the bootstrapped base; repeatable",
    )
    sub.add_argument("--exclude-newer", type=day, metavar="DATE", help="as if nothing was released after this day")


def day(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-01-31") from None


def count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:  # noqa: PLR2004 (more helps no engine)
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)
