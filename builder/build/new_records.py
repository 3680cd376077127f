"""Makes the record of a cell from what a passed verification left on this host."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from builder.build.fingerprint import committed, fingerprint, fingerprint_in, parse
from builder.build.recorded import Today
from builder.build.records import Record, Status
from builder.matrix.names import LABEL_DERIVED, LABEL_INPUTS, LABEL_REHEARSED, LABEL_ROW, cell
from builder.matrix.promise import cell_in, promise_of
from builder.matrix.rehearsal import is_rehearsal
from builder.matrix.spec import EPOCH, ImageSpec
from builder.verify import passed
from builder.verify.report import Verification

Labels = Mapping[str, Any]


def newest(spec: ImageSpec, today: Today, images: Iterable[Mapping[str, Any]]) -> Record | None:
    """The record by the last verification of today's checks that an image of today's inputs passed here.

    `images` are entries of the engine's list. One that a build made comes before a rehearsed one. None without any.
    """
    found = []
    for image in images:
        status = status_of(spec, today, image)
        if status and (verified := passed.verification(str(image["Id"]), today.checks)):
            found.append((status == "verified", verified.when, record(status, str(image["Id"]), today, verified)))
    return max(found, key=lambda one: (one[0], one[1], one[2].digest))[2] if found else None


def status_of(spec: ImageSpec, today: Today, image: Mapping[str, Any]) -> Status | None:
    """What the image would be a record of, had it passed; None for an image of other inputs, or not of a build.

    An image that says that it is a rehearsal is never more, whatever its other labels say.
    """
    labels: Labels = image.get("Labels") or {}
    if image.get("Created") != EPOCH or LABEL_DERIVED in labels:
        return None
    if is_rehearsal(labels):
        is_today = cell_in(labels) == cell(spec) and labels.get(LABEL_REHEARSED) == today.inputs
        return "rehearsed" if is_today else None
    is_same = labels.get(LABEL_ROW) == promise_of(spec).to_label() and committed_in(labels) == today.inputs
    return "verified" if is_same else None


def committed_in(labels: Labels) -> str:
    """The hash of the committed inputs in an image's label; empty when its fingerprint is of other inputs."""
    try:
        inputs = parse(str(labels.get(LABEL_INPUTS)))
    except ValueError:
        return ""
    return committed(inputs.files) if fingerprint(inputs) == fingerprint_in(labels) != "" else ""


def record(status: Status, digest: str, today: Today, verified: Verification) -> Record:
    """The record of an image that passed; the day is that of the verification, in UTC."""
    count = Counter(result.outcome for result in verified.results)
    return Record(
        status=status,
        day=datetime.fromisoformat(verified.when).date().isoformat(),
        digest=digest,
        checks=today.checks,
        inputs=today.inputs,
        pins=len(verified.measured),
        passed=count["passed"],
        not_checked=count["not-checked"],
        **asdict(verified.host),
    )
