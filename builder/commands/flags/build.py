"""The flags of the verbs that judge, lock and build."""

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


def count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:  # noqa: PLR2004 (more helps no engine)
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)
