"""The flags of the verbs that attest images and check what was attested."""

from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import timedelta

from builder.commands.flags import shared
from builder.commands.flags.durations import age
from builder.commands.flags.kinds import switch, value
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions(Options):
    """Whose signatures count, for verbs that read what is attached to images."""

    key: str | None = None
    certificate_identity: str = ""
    certificate_oidc_issuer: str = ""
    transparency_log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestOptions(TrustOptions):
    """What the attesting verbs read."""

    image: str = ""
    sign_key: str | None = None
    keyless: bool = False
    builder_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedOptions(TrustOptions):
    """What `verify-published` reads."""

    registries: tuple[str, ...] = ()
    max_age: timedelta | None = None


def live(sub: ArgumentParser) -> None:
    shared.registries(sub, "repeatable", required=True)
    text = "how long ago the image of a rolling tag may have been verified, like 30d or 36h"
    value(sub, "--max-age", "AGE", text, age)


def image(sub: ArgumentParser) -> None:
    sub.add_argument("image", metavar="IMAGE", help="a tag, an id or a digest that the engine has")


def published(sub: ArgumentParser) -> None:
    shared.insecure(sub)
    sub.add_argument("images", nargs="+", metavar="IMAGE", help="REGISTRY/NAME@sha256:..., or with a tag")


def signing(sub: ArgumentParser) -> None:
    group = sub.add_argument_group("signing")
    who = group.add_mutually_exclusive_group()
    key = "cosign's private key: a file, env://VARIABLE or a key service; its password is in $COSIGN_PASSWORD"
    value(who, "--sign-key", "KEY", key)
    switch(who, "--keyless", "sign as the CI job that runs, with its OIDC token")
    value(group, "--builder-id", "URI", "who builds, in the provenance (default: the workflow that runs)")
    log(sub)
    identity(sub)


def trusting(sub: ArgumentParser) -> None:
    """Whose signatures count; where no flag says it, the site's section `trust` does."""
    text = "the public key: a file, env://VARIABLE or a key service (default: what the site trusts)"
    value(sub, "--key", "KEY", text)
    log(sub)
    identity(sub)


def identity(sub: ArgumentParser) -> None:
    group = sub.add_argument_group("keyless")
    value(group, "--certificate-identity", "ID", "who signs, as the certificate says")
    value(group, "--certificate-oidc-issuer", "URL", "who vouches for that")


def log(sub: ArgumentParser) -> None:
    switch(sub, "--transparency-log", "with a key: write to, or ask, the public log of signatures")
