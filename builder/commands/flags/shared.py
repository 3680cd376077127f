"""The flags that several verbs have."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from builder.matrix.reference import HOST


def common(sub: ArgumentParser) -> None:
    """The flags of every verb that prints its result in several formats."""
    basics(sub)
    sub.add_argument(
        "--format",
        choices=("table", "json", "yaml", "github"),
        default="table",
        help="how results are printed (default: %(default)s)",
    )


def basics(sub: ArgumentParser) -> None:
    """The flags of every verb."""
    group = sub.add_argument_group("common")
    group.add_argument(
        "--matrix", type=Path, metavar="FILE", default=Path("matrix.yaml"), help="the matrix (default: %(default)s)"
    )
    group.add_argument(
        "--site",
        type=Path,
        metavar="FILE",
        help="the site: mirrors, certificates, platform (default: $BUILDER_SITE, site.yaml, or the host's settings)",
    )
    group.add_argument("-v", "--verbose", action="store_true", help="say more")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def dry_run(sub: ArgumentParser) -> None:
    sub.add_argument("-n", "--dry-run", action="store_true", help="say what would be done, and do nothing")


def repository(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--repository",
        metavar="NAME",
        help="the repository of the images; {framework} stands for the framework (default: {framework})",
    )


def log_dir(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--log-dir",
        type=Path,
        metavar="DIR",
        default=Path("logs"),
        help="where full logs and JUnit reports go (default: %(default)s/)",
    )


def insecure(sub: ArgumentParser) -> None:
    """The flag of every verb that talks to a registry."""
    sub.add_argument(
        "--insecure-registry",
        action="append",
        dest="insecure_registries",
        type=registry_host,
        default=[],
        metavar="HOST[:PORT]",
        help="a registry that speaks http, besides those of the site; repeatable",
    )


def registry_host(text: str) -> str:
    if not HOST.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is no host of a registry, like registry.example:5000")
    return text


def check(sub: ArgumentParser) -> None:
    sub.add_argument("--check", action="store_true", help="change nothing; when stale, print the difference and exit 3")


def images(sub: ArgumentParser) -> None:
    sub.add_argument("images", nargs="+", metavar="IMAGE", help="a tag, an id or a digest that the engine has")


def cells(sub: ArgumentParser) -> None:
    sub.add_argument("cells", nargs="+", metavar="CELL", help="a name that `list` prints, or an image")
