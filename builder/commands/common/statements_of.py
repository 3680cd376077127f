"""What is said of an image before it is signed: its provenance, its verification and its SBOM, made or remembered."""

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import render as rendering
from builder.build.fingerprint import Inputs, inputs_of, parse
from builder.commands.common.inputs import root
from builder.commands.common.prepare import current
from builder.commands.options import Options
from builder.commands.tag import row_of, verified_now
from builder.dependencies.lockfile import load as load_lock
from builder.dependencies.lockfile import pin
from builder.errors import EngineError, InputError, StaleError
from builder.host import engine
from builder.host.site import default_platform
from builder.matrix.load import load
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS, cell
from builder.matrix.promise import Promise, promise_in, promise_of
from builder.matrix.spec import ImageSpec
from builder.publish.signing import statements
from builder.publish.signing.attest import Documents, Predicates
from builder.publish.signing.revision import builder_id, revision
from builder.verify import passed as verified
from builder.verify import sbom
from builder.verify.container import promise
from builder.verify.inventory import inventory
from builder.verify.report import Verification
from builder.verify.run_checks import checks_version, extra_checks_of

if TYPE_CHECKING:
    import docker

Labels = Mapping[str, str]


def documents(
    client: "docker.DockerClient",
    options: Options,
    digest: str,
    *,
    builder: str | None,
    since: datetime | None = None,
) -> Documents:
    """Everything to be said of an image of the engine; it is verified now unless that is remembered, `since` then.

    Raises InputError for an image that is of no row, StaleError when the matrix has changed since it was built,
    VerifyError when it does not pass.
    """
    labels, spec, promised = subject(client, options, digest)
    origin = origin_of(options, spec, labels, builder)
    passed = verification_of(options, spec, digest, since)
    bill = sbom.sbom(inventory(client, digest), digest=digest, promise=promised)
    sbom.validate(bill)
    return Documents(
        provenance=statements.provenance(origin),
        verification=statements.verification(passed, digest=digest, promise=promised),
        sbom=bill,
    )


def subject(client: "docker.DockerClient", options: Options, digest: str) -> tuple[Labels, ImageSpec, Promise]:
    """The labels of an image of the engine, its cell, and the row that it promises; raises EngineError, InputError."""
    image = engine.inspect(client, digest)
    if image is None:
        raise EngineError(f"{digest}: not on this engine, so it cannot be read", hint=f"docker pull NAME@{digest}")
    labels = dict((image.get("Config") or {}).get("Labels") or {})
    matrix = load(options.matrix, site_platform=default_platform(options.site, os.environ))
    return labels, row_of(digest, labels, matrix.cells), promise(image)


def renewal(client: "docker.DockerClient", options: Options, digest: str, since: datetime) -> Predicates:
    """The report of the checks alone: the image passed `since` then, or passes now; raises VerifyError."""
    _, spec, promised = subject(client, options, digest)
    passed = verification_of(options, spec, digest, since)
    return {statements.VERIFICATION: statements.verification(passed, digest=digest, promise=promised)}


def origin_of(options: Options, spec: ImageSpec, labels: Labels, builder: str | None) -> statements.Origin:
    """What the image was made from; raises StaleError when matrix or lock have moved on, and say it no longer."""
    made_from = inputs_in(labels)
    if made_from.files != files_now(options, spec):
        raise StaleError(
            f"{cell(spec)}: its rendered files have changed since this image was built: what is here is not its origin",
            hint="python -m builder build, then attest the new image; or check out the commit it was built from",
        )
    lock = root(options) / "builder.lock"
    return statements.Origin(
        spec=spec,
        promise=promise_in(labels, cell(spec), "python -m builder build"),
        inputs=made_from,
        fingerprint=labels[LABEL_FINGERPRINT],
        distributions=pin(spec, load_lock(lock)).distributions,
        lock_sha256=sha256_of(lock),
        revision=revision(root(options), os.environ),
        builder=builder or builder_id(os.environ),
    )


def inputs_in(labels: Labels) -> Inputs:
    """The inputs that the label repeats; raises InputError."""
    try:
        return parse(labels[LABEL_INPUTS])
    except (KeyError, ValueError) as error:
        hint = "python -m builder build, which labels"
        raise InputError(f"the label {LABEL_INPUTS} does not say what it was made from: {error}", hint=hint) from None


def files_now(options: Options, spec: ImageSpec) -> Mapping[str, str]:
    """The hashes of the cell's rendered files, as an image built now would have them in its label."""
    files, row = current(options, [spec])[0].files, rendering.quoted(promise_of(spec).to_label())
    return inputs_of(files=files, row=row, pins={}, platform="", base="", toolchain="", stages={}).files


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def verification_of(options: Options, spec: ImageSpec, digest: str, since: datetime | None) -> Verification:
    """The verification by today's checks that the digest passed on this host, or passes now; raises VerifyError."""
    known = verified.verification(digest, checks_now(options, spec.framework), since=since)
    return known or verified_now(options, spec, digest)


def checks_now(options: Options, framework: str) -> str:
    """The version of today's checks for a framework."""
    return checks_version(extra_checks_of(root(options) / "templates", framework))
