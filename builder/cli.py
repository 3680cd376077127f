"""The command line: arguments to `Options`, `Options` to a verb. Verbs are imported when they are asked for."""

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builder import __version__
from builder.options import Options

VERBS = {
    "list": "what the matrix holds, and what of it was really built",
    "validate": "every mistake of matrix.yaml, with its line, and every row that cannot work",
    "render": "write images/ from the matrix and the templates; --check compares",
    "lock": "ask the package index for every row's closure, and write builder.lock",
    "plan": "what `build` would do with the selected images, and why",
    "build": "build, verify and tag the selected images",
    "explain": "what an image is made from, and what has changed since",
    "verify": "check that an image holds what its label promises",
    "tag": "verify an image, then give it its tags",
    "doctor": "what is missing on this machine, and the command that mends it",
    "clean": "remove what interrupted runs left: our containers and nothing else",
}
SELECTING = ("list", "validate", "render", "lock", "plan", "build")
EPILOG = """example:    python -m builder build --version 1.6 --gpu
exit codes: 0 done, 1 a build or a check failed, 2 wrong input or usage,
            3 a generated file is stale, 130 interrupted"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="builder",
        description="Builds, verifies and tags container images of machine-learning frameworks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"framework-images {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, summary in VERBS.items():
        sub = verbs.add_parser(
            verb, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False
        )
        common(sub)
        if verb in SELECTING:
            selecting(sub)
        own(verb, sub)
        judging(verb, sub)
    return top


def common(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("common")
    group.add_argument(
        "--matrix", type=Path, metavar="FILE", default=Path("matrix.yaml"), help="the matrix (default: %(default)s)"
    )
    group.add_argument(
        "--site",
        type=Path,
        metavar="FILE",
        help="where things come from here (default: $BUILDER_SITE, site.yaml, or the host's own settings)",
    )
    group.add_argument(
        "--format",
        choices=("table", "json", "yaml", "github"),
        default="table",
        help="how results are printed (default: %(default)s)",
    )
    group.add_argument("-v", "--verbose", action="store_true", help="say more")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def selecting(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("selection")
    group.add_argument("--framework", metavar="NAME", help="pytorch unless another is named")
    group.add_argument(
        "--version", action="append", dest="versions", default=[], metavar="V", help="1.6 means 1.6.x; repeatable"
    )
    device = group.add_mutually_exclusive_group()
    device.add_argument("--gpu", action="store_const", const="gpu", dest="device", help="only the GPU images")
    device.add_argument("--cpu", action="store_const", const="cpu", dest="device", help="only the CPU images")
    group.add_argument(
        "--platform", metavar="NAME", help="instead of each release's default platform; `any` for all of them"
    )
    group.add_argument("--all", action="store_true", help="every row, on its default platform")
    group.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="GLOB",
        help="images whose name matches, like '1.*-gpu-*'; repeatable",
    )
    group.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="but not these; repeatable")


def own(verb: str, sub: argparse.ArgumentParser) -> None:
    """The flags that only some verbs have."""
    if verb in ("build", "clean", "tag", "render"):
        sub.add_argument("-n", "--dry-run", action="store_true", help="say what would be done, and do nothing")
    if verb in ("build", "tag", "plan", "explain"):
        sub.add_argument(
            "--repository",
            metavar="NAME",
            help="the images' name; {framework} stands for the framework, which is the default",
        )
    if verb in ("build", "verify", "tag"):
        sub.add_argument(
            "--log-dir",
            type=Path,
            metavar="DIR",
            default=Path("logs"),
            help="full logs and JUnit reports (default: %(default)s/)",
        )
    if verb == "build":
        sub.add_argument("--print", action="store_true", help="with --dry-run: also the Dockerfiles")
        sub.add_argument(
            "-j", "--jobs", type=count, default=2, metavar="N", help="images built at once (default: %(default)s)"
        )
        sub.add_argument("--keep-going", action="store_true", help="a failed image does not stop the others")
        sub.add_argument("--no-cache", action="store_true", help="repeat every step")
    if verb in ("render", "lock"):
        sub.add_argument("--check", action="store_true", help="change nothing; exit 3 with the difference when stale")
    if verb in ("verify", "tag"):
        sub.add_argument("images", nargs="+", metavar="IMAGE", help="a tag, an id or a digest that the engine has")
    if verb == "explain":
        sub.add_argument("cells", nargs="+", metavar="CELL", help="a name that `list` prints, or an image")
    if verb == "clean":
        sub.add_argument("--images", action="store_true", dest="remove_images", help="also our images that have no tag")
    if verb == "doctor":
        sub.add_argument(
            "--write-site",
            type=Path,
            metavar="FILE",
            help="write a site file that suits this machine, unless it exists",
        )


def judging(verb: str, sub: argparse.ArgumentParser) -> None:
    """The flags that say which versions are judged, and which may move."""
    if verb == "validate":
        sub.add_argument(
            "--as-documented", action="store_true", help="judge the documented versions instead of those in use"
        )
    if verb == "lock":
        sub.add_argument(
            "--upgrade",
            action="append",
            default=[],
            metavar="ROW|PACKAGE",
            help="let these versions move, which stay otherwise: images like '1.6*', or a distribution; repeatable",
        )
        sub.add_argument("--exclude-newer", type=day, metavar="DATE", help="as if nothing was released after this day")


def day(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-01-31") from None


def count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:  # noqa: PLR2004 (more helps no engine)
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)


def options(argv: Sequence[str] | None = None) -> Options:
    """The parsed command line; argparse exits with 2 on a wrong flag."""
    parsed = vars(parser().parse_args(argv))
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in parsed.items()}
    return Options(**values)
