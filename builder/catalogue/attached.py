"""Reads what is attached to an image in a registry: its SBOM, and the report of the checks of a trusted signer.

Who signed the SBOM is not asked here: `audit` does that.

cosign keeps the statements as layers of a manifest under a tag made of the digest:
https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from builder.catalogue.image_info import LastVerification
from builder.errors import RegistryError, SignatureError, UnavailableError, VerifyError
from builder.host.pace import within
from builder.matrix import promise
from builder.matrix.reference import DIGEST, Reference
from builder.publish.signing import audit, cosign
from builder.publish.signing.cosign import Trust
from builder.publish.signing.statements import CYCLONEDX
from builder.registry import blobs, manifests, referrers
from builder.registry.descriptors import list_in
from builder.registry.session import Connection
from builder.verify import sbom
from builder.verify.report import Result, counted

SHOWN = 2000
"""The longest text of image-info.json."""
CHECKS = re.compile(r"[0-9a-f]{64}")
Predicate = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The digest of the SBOM and the verification report; None for what is missing."""

    sbom: str | None
    verification: LastVerification | None


def attached(connection: Connection, repository: str, digest: str, trust: Trust | None) -> Attached:
    """The attachments that can be read; without a trusted signer no report counts.

    Raises UnavailableError when the registry does not answer.
    """
    with within(connection.policy.deadline):
        bill = dict(statements(connection, repository, digest)).get(CYCLONEDX)
    reference = Reference(host=connection.host, repository=repository, digest=digest)
    return Attached(
        sbom=manifests.digest_of(sbom.text(dict(bill)).encode()) if bill else None,
        verification=last_verification(reference, trust) if trust else None,
    )


def last_verification(reference: Reference, trust: Trust) -> LastVerification | None:
    """What the newest report of the trusted signer says of the image; None without one that counts."""
    try:
        return verification(audit.report(reference, trust), str(reference.digest))
    except (SignatureError, VerifyError):
        return None


def statements(connection: Connection, repository: str, digest: str) -> Iterator[tuple[str, Predicate]]:
    """The types and predicates about the digest, the newest last; unreadable ones are left out."""
    try:
        manifest = manifests.manifest(connection, repository, f"{referrers.fallback_tag(digest)}.att")
        layers = list_in(manifest.document, "layers") if manifest else []
    except UnavailableError:
        raise
    except RegistryError:
        return
    for layer in layers:
        try:
            kind, name = str(layer["annotations"]["predicateType"]), str(layer["digest"])
            envelope = blobs.small(connection, repository, name).decode() if DIGEST.fullmatch(name) else ""
            for predicate in cosign.predicates(envelope, kind, digest):
                yield kind, predicate
        except UnavailableError:
            raise
        except (KeyError, TypeError, ValueError, SignatureError, RegistryError):
            continue


def verification(said: Predicate, digest: str) -> LastVerification | None:
    """What a report of ours says of the digest; None for a foreign report, or when the image did not pass."""
    try:
        results = [Result(name=str(name), outcome="passed", message="", seconds=0) for name in said["passed"]] + [
            Result(name=str(one["name"]), outcome="not-checked", message=str(one["reason"]), seconds=0)
            for one in said["notChecked"]
        ]
        checks, when = str(said["checks"]["version"]), str(said["finishedOn"])
        is_ours = CHECKS.fullmatch(checks) and datetime.fromisoformat(when).tzinfo
        if not is_ours or said["result"] != "PASSED" or said["digest"] != digest:
            return None
        summary = counted(promise.read(said["row"]), said["measured"], results)[:SHOWN]
        return LastVerification(when=when, summary=summary, checks=checks)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
