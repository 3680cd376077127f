"""Makes the labels of a derived image: those of its base, its own promise, and what was added."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.derive.lockfile import Answer
from builder.derive.request import Contents
from builder.errors import EngineError
from builder.matrix.derived_label import DerivedLabel, from_label
from builder.matrix.names import LABEL_COMPONENTS, LABEL_DERIVED, LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW
from builder.matrix.promise import Promise

NOT_INHERITED = (LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_COMPONENTS)
"""Labels that only a build of a cell writes: `plan` would take a derived image for the cell's own by them."""
OF_TORCH = "torch-"


def labels(before: Mapping[str, str], promise: Promise, held: Contents, answer: Answer, key: str) -> dict[str, str]:
    """Every label of the derived image; `before` are those of its base."""
    added = DerivedLabel(
        base=held.digest,
        key=key,
        distributions={one.name: one.version for one in answer.distributions},
        conda={one.name: one.version for one in answer.conda},
    )
    return {
        **{name: text for name, text in before.items() if name not in NOT_INHERITED},
        "org.opencontainers.image.base.name": held.promise.cell,
        "org.opencontainers.image.base.digest": held.digest,
        LABEL_ROW: promise.to_label(),
        LABEL_DERIVED: added.to_label(),
    }


def promise(before: Promise, answer: Answer) -> Promise:
    """The promise of the derived image: the base's, with the new versions of the pins that an override moved.

    Another torch brings another CUDA. So the pins read from torch, such as `cuda`, are dropped: their new versions are
    not known before the image runs.
    """
    moved = {one.name: one.version for one in answer.distributions}
    gone = OF_TORCH if "torch" in moved else ()
    kept = {name: pin for name, pin in before.pins.items() if not pin.probe.startswith(gone)}
    pins = {
        name: replace(pin, value=moved[name]) if name in moved and pin.probe == "python-distribution" else pin
        for name, pin in kept.items()
    }
    return replace(before, pins=pins)


def assert_same(image: Mapping[str, Any], reference: str, key: str) -> None:
    """Raises EngineError when the image with that tag was not derived from the same base and files as `key` says."""
    label = (image["Config"].get("Labels") or {}).get(LABEL_DERIVED, "")
    try:
        found = from_label(label).key
    except ValueError:
        found = ""
    if found != key:
        raise EngineError(
            f"{reference}: somebody gave this tag to {image['Id']}, which is not the image of this request",
            hint=f"docker rmi {reference}, then the same command",
        )
