"""The flags of the verbs that bring images to registries and read them there."""

from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import timedelta

from builder.commands.flags import shared
from builder.commands.flags.attest import AttestOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions(AttestOptions):
    """The flags of `push`, `promote`, `plan` and `build`."""

    attest: bool = False
    renew_after: timedelta | None = None
    """How old the report of an image may be that is attested already; None: it is attested anew."""
    registries: tuple[str, ...] = ()
    source: str = ""


def registries(sub: ArgumentParser) -> None:
    shared.insecure(sub)
    sub.add_argument(
        "--registry",
        action="append",
        dest="registries",
        required=True,
        metavar="HOST[/PREFIX]",
        help="where to; repeatable. Logins are docker's own: `docker login HOST`, or $DOCKER_AUTH_CONFIG",
    )


def known_registries(sub: ArgumentParser) -> None:
    shared.insecure(sub)
    sub.add_argument(
        "--registry",
        action="append",
        dest="registries",
        default=[],
        metavar="HOST[/PREFIX]",
        help="what is published in all of these is not built; repeatable",
    )


def keep_going(sub: ArgumentParser) -> None:
    sub.add_argument("--keep-going", action="store_true", help="publish what passed, although other images did not")


def source(sub: ArgumentParser) -> None:
    sub.add_argument("source", metavar="IMAGE", help="an image in a registry, by tag or digest")


def attest(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--attest", action="store_true", help="sign each image, and attach its statements, before it gets a tag"
    )
