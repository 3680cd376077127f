"""The flags of the verbs that bring images to registries and read them there."""

from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import timedelta

from builder.commands.flags import shared
from builder.commands.flags.attest import AttestOptions
from builder.commands.flags.kinds import switch


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions(AttestOptions):
    """The flags of `push`, `promote`, `plan` and `build`."""

    attest: bool = False
    renew_after: timedelta | None = None
    """How old the report of an image may be that is attested already; None: it is attested anew."""
    registries: tuple[str, ...] = ()
    force: bool = False
    source: str = ""


def registries(sub: ArgumentParser) -> None:
    text = "where to; repeatable. Logins are docker's own: `docker login HOST`, or $DOCKER_AUTH_CONFIG"
    shared.registries(sub, text, required=True)


def known_registries(sub: ArgumentParser) -> None:
    shared.registries(sub, "what is published in all of these is not built; repeatable")


def keep_going(sub: ArgumentParser) -> None:
    switch(sub, "--keep-going", "publish what passed, although other images did not")


def force(sub: ArgumentParser) -> None:
    switch(sub, "--force", "let rolling tags go back to an older release or build, or to another framework")


def source(sub: ArgumentParser) -> None:
    sub.add_argument("source", metavar="IMAGE", help="an image in a registry, by tag or digest")


def attest(sub: ArgumentParser) -> None:
    switch(sub, "--attest", "sign each image, and attach its statements, before it gets a tag")
