"""Runs cosign, of 2.x or 3.x: what signs, and whether an image and the statements about it are signed; by digest.

https://docs.sigstore.dev/cosign/signing/signing_with_containers/. The private key and its password come from files
and the environment, never from the command line; a transparency log is written to only when that is asked for.
"""

import base64
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from builder.errors import EngineError, InputError, SignatureError
from builder.host import process
from builder.host.cache import SHAPE
from builder.host.command import Command
from builder.host.foreign_json import foreign_json
from builder.host.site import Site
from builder.host.temporary import scratch
from builder.matrix.reference import Reference
from builder.publish.signing import keys
from builder.publish.signing.keys import PASSWORD
from builder.registry.credentials import VARIABLE, certificate

SECONDS = 300
ELSEWHERE = "COSIGN_REPOSITORY"
"""Names another repository for what is attached. It stands beside the image here, where `promote` looks for it."""
NOTHING_SIGNED = re.compile(r"no signatures found|no matching attestations:\s*$|none of the attestations matched")
ANOTHER_KEY = r"invalid signature|failed to verify signature|do not match threshold"
CAUSES = (
    (r"decrypt|password", f"the key does not open with the password in ${PASSWORD}", f"set ${PASSWORD} anew"),
    (r"UNAUTHORIZED|DENIED|unauthorized|denied", "the registry lets nobody of this name write there", "docker login"),
    (ANOTHER_KEY, "it is signed by another key than the trusted one", "--key FILE: the public key of who signs"),
    (r"expected identities", "it is signed by somebody else", "--certificate-identity"),
    (r"no identity|identity token|oidc", "nobody says who signs", "--sign-key FILE, or a CI job with id-token: write"),
    (
        r"connection refused|no such host|i/o timeout",
        "the registry, or a signing service, does not answer",
        "is it running?",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: a key, else the identity that the CI hands out (keyless)."""

    key: str | None
    transparency_log: bool = False
    site: Site = field(default_factory=Site)
    """How registries are reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose signature counts: a public key's, or an identity that an issuer vouches for."""

    key: str | None = None
    identity: str = ""
    issuer: str = ""
    transparency_log: bool = False
    site: Site = field(default_factory=Site)


def signing(signer: Signer) -> tuple[str, ...]:
    """The flags that say who signs, for cosign 2 and 3: both then write what the other reads."""
    key = (f"--key={signer.key}", f"--tlog-upload={str(signer.transparency_log).lower()}") if signer.key else ()
    # 3.x refuses a signature without a log entry unless its new form, which 2.x cannot read, is off.
    is_new = "--use-signing-config" in flags("sign-blob")
    return (*key, *(("--use-signing-config=false", "--new-bundle-format=false") if is_new else ()))


@cache
def flags(verb: str) -> frozenset[str]:
    """The flags that a verb of the cosign here lists; its version says less, as Debian's names none."""
    done = run((verb, "--help"))
    return frozenset(re.findall(r"--[a-z][a-z0-9-]*", done.stdout + done.stderr))


def transport(site: Site, host: str) -> tuple[str, ...]:
    """The flags for a registry that speaks plain http, or whose certificate only this site trusts."""
    if host in site.insecure_registries:
        return ("--allow-http-registry", "--allow-insecure-registry")  # `cosign verify` of 2.5 wants both
    trusted = certificate(host, site.ca_bundle)
    return (f"--registry-cacert={trusted}",) if trusted else ()


def verify(reference: Reference, trust: Trust) -> bool:
    """Whether the image has the trusted signature; False when it has none. Raises SignatureError for another's."""
    return verified(("verify", *trusting(trust, reference), by_digest(reference))) is not None


def attested(reference: Reference, predicate_type: str, trust: Trust) -> list[dict[str, Any]]:
    """The trusted signer's predicates of that type about this digest; raises SignatureError."""
    lines = verified_envelopes(reference, predicate_type, trust)
    return list(predicates(lines, predicate_type, str(reference.digest)))


def payloads(reference: Reference, predicate_type: str, trust: Trust) -> list[bytes]:
    """What the trusted signer signed of that type, to the byte; raises SignatureError."""
    return [payload(line) for line in verified_envelopes(reference, predicate_type, trust).splitlines()]


def verified_envelopes(reference: Reference, predicate_type: str, trust: Trust) -> str:
    """The envelopes that verify, one on a line."""
    words = ("verify-attestation", f"--type={predicate_type}", *trusting(trust, reference), by_digest(reference))
    return verified(words) or ""


def payload(line: str) -> bytes:
    """The payload of an envelope; raises SignatureError."""
    try:
        return base64.b64decode(foreign_json(line)["payload"])
    except SHAPE:
        raise SignatureError("a signed statement cannot be read") from None


def predicates(lines: str, predicate_type: str, digest: str) -> Iterator[dict[str, Any]]:
    """The predicates in the envelopes that cosign verified and printed, one on a line."""
    for line in lines.splitlines():
        try:
            statement = foreign_json(payload(line))
            subjects = [f"sha256:{one['digest']['sha256']}" for one in statement["subject"]]
            if statement["predicateType"] == predicate_type and digest in subjects:
                yield dict(statement["predicate"])
        except SHAPE:
            raise SignatureError(f"a signed statement about {digest} cannot be read") from None


def trusting(trust: Trust, reference: Reference) -> tuple[str, ...]:
    """The flags that say whom to believe, and how the registry is reached."""
    reached = transport(trust.site, reference.host)
    if trust.key:
        log = () if trust.transparency_log else ("--insecure-ignore-tlog=true",)
        return (f"--key={trust.key}", *log, *reached)
    return (f"--certificate-identity={trust.identity}", f"--certificate-oidc-issuer={trust.issuer}", *reached)


@contextmanager
def trust_of(signer: Signer, trust: Trust | None = None) -> Iterator[Trust | None]:
    """The trust that fits the signer: its public key, or for a keyless signer `trust`, which may be None."""
    if signer.key is None:
        yield trust
        return
    public = answer(("public-key", f"--key={signer.key}"))
    with scratch() as directory:
        file = directory / "cosign.pub"
        file.write_text(public, "utf-8")
        yield Trust(key=str(file), transparency_log=signer.transparency_log, site=signer.site)


def signer_named(trust: Trust) -> str:
    """The trusted signer in words."""
    return keys.name_of(trust.key) if trust.key else f"{trust.identity}, says {trust.issuer}"


def by_digest(reference: Reference) -> str:
    """The image as cosign gets it, by digest only: a tag may move between two commands."""
    if reference.digest is None:
        raise InputError(f"{reference}: signed and verified by digest only: {reference.name}@sha256:...")
    return f"{reference.name}@{reference.digest}"


def answer(words: Sequence[str]) -> str:
    """What cosign prints; raises SignatureError."""
    done = run(words)
    if done.exit_code:
        raise failure(done.stderr)
    return done.stdout


def verified(words: Sequence[str]) -> str | None:
    """What cosign prints of what verifies; None when the image has no such signature. Raises SignatureError."""
    done = run(words)
    if done.exit_code and not NOTHING_SIGNED.search(reason(done.stderr)):
        raise failure(done.stderr)
    return None if done.exit_code else done.stdout


def reason(said: str) -> str:
    """The error that cosign printed, on one line, without warnings and repetitions."""
    _, mark, rest = said.partition("Error: ")
    return " ".join((rest if mark else said).partition("\nerror during command execution")[0].split())


def failure(said: str) -> SignatureError:
    """The error in cosign's words, with its meaning where that is known."""
    why = reason(said)[:500]
    for pattern, meaning, hint in CAUSES:
        if re.search(pattern, why):
            return SignatureError(meaning if pattern == ANOTHER_KEY else f"{meaning} ({why})", hint=hint)
    return SignatureError(f"cosign: {why}")


def run(words: Sequence[str]) -> process.Completed:
    """Run cosign with the logins that the rest of the program uses; raises EngineError when it is not installed."""
    if shutil.which("cosign") is None:
        raise EngineError("cosign, which signs and verifies, is not installed", hint="make cosign")
    with logins() as environment:
        surroundings = (*environment, (ELSEWHERE, ""))
        return process.run(Command(argv=("cosign", *words), environment=surroundings), timeout=SECONDS)


@contextmanager
def logins() -> Iterator[tuple[tuple[str, str], ...]]:
    """The variable that names docker's configuration, for logins that only $DOCKER_AUTH_CONFIG holds."""
    said = os.environ.get(VARIABLE)
    if not said:
        yield ()
        return
    with scratch() as directory:
        file = directory / "config.json"
        file.touch(mode=0o600)
        file.write_text(said, "utf-8")
        yield (("DOCKER_CONFIG", str(directory)),)
