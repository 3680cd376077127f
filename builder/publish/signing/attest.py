"""Attaches a signature and signed statements to an image in a registry, and reads all of them back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.errors import SignatureError
from builder.matrix.reference import Reference
from builder.publish.signing import cosign
from builder.publish.signing.attachments import attach
from builder.publish.signing.cosign import Signer, Trust
from builder.publish.signing.envelopes import payload_of
from builder.publish.signing.signatures import Payloads, signed
from builder.publish.signing.statements import CYCLONEDX, PROVENANCE, VERIFICATION, statement
from builder.registry.connection import linked

Say = Callable[[str], None]
Predicates = Mapping[str, Mapping[str, Any]]
"""The predicates by their type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The predicates of an image's three statements."""

    provenance: Mapping[str, Any]
    verification: Mapping[str, Any]
    sbom: Mapping[str, Any]

    def predicates(self) -> Predicates:
        """Each predicate by its type; the SBOM is first, as it is the largest."""
        return {CYCLONEDX: self.sbom, PROVENANCE: self.provenance, VERIFICATION: self.verification}


def payloads(reference: Reference, said: Predicates) -> dict[str, bytes]:
    """The in-toto statements by the type of their predicate, to the byte as they are signed."""
    digest = str(reference.digest)
    return {kind: payload_of(statement(reference.name, digest, kind, found)) for kind, found in said.items()}


def attest(reference: Reference, said: Predicates, signer: Signer, say: Say, *, trust: Trust | None = None) -> None:
    """Sign the image and its statements, then verify all of them as others will.

    Safe to repeat: an existing signature stays, a statement replaces the earlier one of its type. With a keyless signer
    nothing is verified unless `trust` says who signs. Raises SignatureError, and EngineError without cosign.
    """
    found = payloads(reference, said)
    with cosign.trust_of(signer, trust) as believed:
        is_new = believed is None or not is_signed(reference, believed)
        layers = signed(reference, found, signer, image=is_new)
        with linked(signer.site, reference.host) as connection:
            attach(connection, reference, layers, say)
        if believed is None:
            say(f"{reference}: signed and attested; not read back, as nothing says who the signer is")
            return
        read_back(reference, found, believed, image=is_new)
        who = cosign.signer_named(believed)
    say(f"{reference}: signed and attested, and verified as of {who}")


def is_signed(reference: Reference, trust: Trust) -> bool:
    """Whether the signer's own signature is there; another's does not count."""
    try:
        return cosign.verify(reference, trust)
    except SignatureError:
        return False


def read_back(reference: Reference, said: Payloads, trust: Trust, *, image: bool) -> None:
    """Raise SignatureError unless the new signature and each statement verify, and are what was signed, to the byte."""
    missing = ["the signature"] if image and not cosign.verify(reference, trust) else []
    missing += [kind for kind, payload in said.items() if payload not in cosign.payloads(reference, kind, trust)]
    if missing:
        raise SignatureError(f"{reference}: attached, and does not read back: {', '.join(missing)}")
