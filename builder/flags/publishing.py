"""The flags of the verbs that bring images to registries and read them there."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions(Options):
    """The flags of `push` and `promote`."""

    registries: tuple[str, ...] = ()
    source: str = ""


def registries(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--registry",
        action="append",
        dest="registries",
        required=True,
        metavar="HOST[/PREFIX]",
        help="where to; repeatable. Logins are docker's own: `docker login HOST`, or $DOCKER_AUTH_CONFIG",
    )


def keep_going(sub: ArgumentParser) -> None:
    sub.add_argument("--keep-going", action="store_true", help="publish what passed, although other images did not")


def source(sub: ArgumentParser) -> None:
    sub.add_argument("source", metavar="IMAGE", help="an image in a registry, by tag or digest")
