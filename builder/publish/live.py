"""Judges the images behind a cell's tags in a registry, by their labels and attachments. It pulls no layer."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from builder.build.fingerprint import fingerprint_in
from builder.errors import VerifyError
from builder.matrix import rehearsal
from builder.matrix.names import cell
from builder.matrix.reference import Reference
from builder.matrix.spec import ImageSpec
from builder.publish.signing import audit
from builder.publish.signing.cosign import Trust
from builder.publish.tag_map import Live, tags_of
from builder.publish.verdict import judged
from builder.registry import image, manifests
from builder.registry.session import Connection

AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The connection, the signers to trust, and the threads to ask with."""

    connection: Connection
    trust: Trust
    pool: ThreadPoolExecutor


def live(viewer: Viewer, name: Reference, spec: ImageSpec, tags: Sequence[str]) -> dict[str, Live]:
    """The image behind each tag of this cell, by tag; each digest is judged once."""
    mine = tags_of(spec, tags)
    read = list(viewer.pool.map(lambda tag: manifests.digest(viewer.connection, name.repository, tag), mine))
    digests = {tag: digest for tag, digest in zip(mine, read, strict=True) if digest}
    distinct = list(dict.fromkeys(digests.values()))
    looked = viewer.pool.map(lambda one: look(viewer.connection, viewer.trust, name, spec, one), distinct)
    seen = dict(zip(distinct, looked, strict=True))
    return {tag: seen[digest] for tag, digest in digests.items()}


def look(connection: Connection, trust: Trust, name: Reference, spec: ImageSpec, digest: str) -> Live:
    """The verdicts on one digest and its attachments. The layers are not read: that would need all their bytes."""
    reference = Reference(host=name.host, repository=name.repository, digest=digest)
    labels: dict[str, str] = {}
    report: dict[str, Any] = {}

    def label() -> str:
        labels.update(image.read(connection, name.repository, digest).labels)
        rehearsal.refuse(labels, "its label")
        if (found := audit.promised_in(labels).cell) != cell(spec):
            raise VerifyError(f"its label says it is {found}")
        return found

    def verification() -> str:
        said = audit.report(reference, trust)
        text = audit.verification(reference, said)
        report.update(said)
        return text

    questions = {
        "label": label,
        "signature": lambda: audit.signature(reference, trust),
        "provenance": lambda: audit.provenance(reference, labels, trust),
        "sbom": lambda: audit.bill(reference, trust, None),
        "verification": verification,
    }
    verdicts = tuple(judged(item, question) for item, question in questions.items())
    return Live(
        digest=digest,
        fingerprint=fingerprint_in(labels),
        verdicts=verdicts,
        verified=audit.ended(report) if report else None,
        checks=audit.checks_in(report) if report else "",
    )
