"""Makes the predicates of an image's statements: its provenance, its verification and its SBOM."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from builder.build import history, layout_cache
from builder.build.checkout import Checkout, spec_of, verification_of
from builder.build.contexts import row_of
from builder.build.fingerprint import Inputs, hashes, parse
from builder.build.render import Rendered
from builder.errors import EngineError, InputError, StaleError
from builder.host import engine
from builder.matrix import rehearsal
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS, cell
from builder.matrix.promise import Promise, promise_in
from builder.matrix.reference import Reference
from builder.matrix.spec import Distribution, ImageSpec
from builder.publish.signing import statements
from builder.publish.signing.attest import Documents, Predicates
from builder.publish.signing.revision import revision, run_id
from builder.verify import sbom
from builder.verify.container import HINT
from builder.verify.inventory import inventory
from builder.verify.report import Verification
from builder.verify.sbom import BillSubject

if TYPE_CHECKING:
    import docker

Labels = Mapping[str, str]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedImage:
    """An image of the engine, and the cell whose row it promises."""

    digest: str
    """What registries know it by."""
    here: str
    """What the engine knows it by."""
    labels: Labels
    created: str
    spec: ImageSpec
    promise: Promise


def documents(
    client: "docker.DockerClient",
    checkout: Checkout,
    reference: Reference,
    *,
    builder: str,
    say: Say,
    since: datetime | None = None,
) -> Documents:
    """The predicates of an image of the engine. It is verified now unless it passed here, at `since` or later.

    Raises InputError for an image of no row, VerifyError when it does not pass, and StaleError when the checkout no
    longer gives its files.
    """
    image = subject(client, checkout, reference)
    origin = origin_of(checkout, image, builder)
    passed = verification_of(checkout, image.spec, image.here, say, since=since)
    bill = sbom.sbom(inventory(client, image.here), bill_subject(image, origin.distributions))
    sbom.validate(bill)
    return Documents(provenance=statements.provenance(origin), verification=report(image, passed), sbom=bill)


def bill_subject(image: AttestedImage, locked: tuple[Distribution, ...]) -> BillSubject:
    """What the SBOM is about."""
    return BillSubject(digest=image.digest, promise=image.promise, created=image.created, locked=locked)


def renewed_report(
    client: "docker.DockerClient", checkout: Checkout, reference: Reference, *, say: Say, since: datetime
) -> Predicates:
    """The report of the checks alone. The image passed here at `since` or later, or passes now; raises VerifyError."""
    image = subject(client, checkout, reference)
    passed = verification_of(checkout, image.spec, image.here, say, since=since)
    return {statements.VERIFICATION: report(image, passed)}


def subject(client: "docker.DockerClient", checkout: Checkout, reference: Reference) -> AttestedImage:
    """The image with its cell; raises EngineError when the engine lacks it, InputError for a rehearsal or no row."""
    digest = str(reference.digest)
    here = layout_cache.engine_digest(client, reference)
    if here is None:
        raise EngineError(f"{digest}: not on this engine, so it cannot be read", hint=f"docker pull NAME@{digest}")
    described = engine.described(client, here)
    labels = engine.labels_in(described)
    rehearsal.refuse(labels, digest)
    return AttestedImage(
        digest=digest,
        here=here,
        labels=labels,
        created=str(described.get("Created")),
        spec=spec_of(checkout, digest, labels),
        promise=promise_in(labels, digest, HINT),
    )


def report(image: AttestedImage, passed: Verification) -> statements.Predicate:
    return statements.verification(passed, digest=image.digest, promise=image.promise)


def locked(checkout: Checkout, digest: str, labels: Labels) -> tuple[Distribution, ...]:
    """The Python distributions an image was made from; raises InputError, StaleError where the checkout moved on."""
    now = checkout.rendered(spec_of(checkout, digest, labels))
    if inputs_in(digest, labels).files != hashes_of(now):
        raise StaleError(f"{digest}: the checkout gives other files than those that this image was built from")
    return now.pinned.distributions


def origin_of(checkout: Checkout, image: AttestedImage, builder: str) -> statements.BuildOrigin:
    """What the image was made from; raises StaleError when the matrix or the lock no longer gives its files."""
    made_from, now = inputs_in(image.digest, image.labels), checkout.rendered(image.spec)
    if made_from.files != hashes_of(now):
        raise StaleError(
            f"{cell(image.spec)}: the checkout gives other files than those that this image was built from",
            hint="python -m builder build, then attest the new image; or check out the commit it was built from",
        )
    return statements.BuildOrigin(
        spec=image.spec,
        promise=image.promise,
        inputs=made_from,
        fingerprint=image.labels[LABEL_FINGERPRINT],
        distributions=now.pinned.distributions,
        lock_sha256=now.pinned.lock_sha256,
        revision=revision(checkout.root, os.environ),
        builder=builder,
        invocation=invocation_of(image),
    )


def invocation_of(image: AttestedImage) -> statements.Invocation | None:
    """The build of the image, where this host recorded it."""
    past = history.past(cell(image.spec))
    if image.here not in past.made or image.here not in past.began:
        return None
    started, finished = (datetime.fromtimestamp(when[image.here], UTC) for when in (past.began, past.made))
    return statements.Invocation(id=run_id(os.environ, image.digest, finished), started=started, finished=finished)


def inputs_in(digest: str, labels: Labels) -> Inputs:
    """The inputs that the label repeats; raises InputError."""
    try:
        return parse(labels[LABEL_INPUTS])
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{digest}: the label {LABEL_INPUTS} does not say what it was made from: {error}",
            hint="python -m builder build, which labels",
        ) from None


def hashes_of(rendered: Rendered) -> Mapping[str, str]:
    """The hashes of the cell's files, as the label of an image built now would have them."""
    return hashes(rendered.files, row_of(rendered.pinned.spec))
