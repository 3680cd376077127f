"""The flags that several verbs have."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from builder.matrix.reference import HOST


def common(sub: ArgumentParser) -> None:
    """What verbs with a result in the usual formats have."""
    basics(sub)
    sub.add_argument(
        "--format",
        choices=("table", "json", "yaml", "github"),
        default="table",
        help="how results are printed (default: %(default)s)",
    )


def basics(sub: ArgumentParser) -> None:
    """Every verb has these."""
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
    group.add_argument("-v", "--verbose", action="store_true", help="say more")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def dry_run(sub: ArgumentParser) -> None:
    sub.add_argument("-n", "--dry-run", action="store_true", help="say what would be done, and do nothing")


def repository(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--repository",
        metavar="NAME",
        help="the images' name; {framework} stands for the framework, which is the default",
    )


def log_dir(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--log-dir",
        type=Path,
        metavar="DIR",
        default=Path("logs"),
        help="full logs and JUnit reports (default: %(default)s/)",
    )


def insecure(sub: ArgumentParser) -> None:
    """What every verb has that talks to a registry."""
    sub.add_argument(
        "--insecure-registry",
        action="append",
        dest="insecure_registries",
        type=registry_host,
        default=[],
        metavar="HOST[:PORT]",
        help="speaks http, not https; repeatable, and besides those that the site names",
    )


def registry_host(text: str) -> str:
    if not HOST.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is no host of a registry, like registry.example:5000")
    return text


def check(sub: ArgumentParser) -> None:
    sub.add_argument("--check", action="store_true", help="change nothing; exit 3 with the difference when stale")


def images(sub: ArgumentParser) -> None:
    sub.add_argument("images", nargs="+", metavar="IMAGE", help="a tag, an id or a digest that the engine has")


def cells(sub: ArgumentParser) -> None:
    sub.add_argument("cells", nargs="+", metavar="CELL", help="a name that `list` prints, or an image")
