"""Gives an image in a registry what says where it comes from: a signature and three signed statements, read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.errors import SignatureError
from builder.matrix.reference import Reference
from builder.publish.signing import cosign
from builder.publish.signing.cosign import Signer, Trust
from builder.publish.signing.statements import CYCLONEDX, PROVENANCE, VERIFICATION, statement

Say = Callable[[str], None]
Predicates = Mapping[str, Mapping[str, Any]]
"""By their type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What is to be said of one image."""

    provenance: Mapping[str, Any]
    verification: Mapping[str, Any]
    sbom: Mapping[str, Any]

    def predicates(self) -> Predicates:
        """Each predicate by its type; the SBOM first, as the largest."""
        return {CYCLONEDX: self.sbom, PROVENANCE: self.provenance, VERIFICATION: self.verification}


def statements(reference: Reference, documents: Documents) -> list[dict[str, Any]]:
    """The in-toto statements, as they would be signed."""
    digest = str(reference.digest)
    return [statement(reference.name, digest, kind, found) for kind, found in documents.predicates().items()]


def attest(reference: Reference, said: Predicates, signer: Signer, say: Say, *, trust: Trust | None = None) -> None:
    """Sign the image of that digest, and what is said of it by type, then verify all of it as others will.

    Safe to repeat: a signature that is there stays, a statement replaces the earlier one of its type. Keyless, it is
    verified when `trust` says who the signer is. Raises SignatureError, and EngineError without cosign.
    """
    with cosign.trust_of(signer, trust) as believed:
        if believed is None or not is_signed(reference, believed):
            cosign.sign(reference, signer)
        for kind, predicate in said.items():
            cosign.attest(reference, kind, predicate, signer)
        if believed is None:
            say(f"{reference}: signed and attested; not read back, as nothing says who the signer is")
            return
        read_back(reference, said, believed)
    say(f"{reference}: signed and attested, and verified with the public key")


def is_signed(reference: Reference, trust: Trust) -> bool:
    """Whether the signer's own signature is there; another's does not count."""
    try:
        return cosign.verify(reference, trust)
    except SignatureError:
        return False


def read_back(reference: Reference, said: Predicates, trust: Trust) -> None:
    """Raise SignatureError unless everything that was just attached verifies, and says what it should."""
    missing = [] if cosign.verify(reference, trust) else ["the signature"]
    for kind, predicate in said.items():
        if dict(predicate) not in cosign.attested(reference, kind, trust):
            missing.append(kind)
    if missing:
        raise SignatureError(f"{reference}: attached, and does not read back: {', '.join(missing)}")
