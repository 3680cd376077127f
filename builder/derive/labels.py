"""The labels of a derived image: its base's, its own promises, and nothing that says a row's build made it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.derive.lockfile import Answer
from builder.derive.request import ImageContents
from builder.errors import EngineError
from builder.matrix.derived_label import DerivedLabel, from_label
from builder.matrix.names import LABEL_COMPONENTS, LABEL_DERIVED, LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW
from builder.matrix.promise import Promise

NOT_INHERITED = (LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_COMPONENTS)
"""What makes an image the one that a row's build gave: `plan` looks for these."""
OF_TORCH = "torch-"


def labels(
    before: Mapping[str, str], promise: Promise, held: ImageContents, answer: Answer, key: str
) -> dict[str, str]:
    """Every label of the derived image."""
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
    """What the derived image promises: what its base does, with the pins that an override moved.

    Another torch brings another CUDA: those pins no longer hold, and nothing says what they should be.
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
    """Raise EngineError when somebody gave that tag to another image."""
    label = (image["Config"].get("Labels") or {}).get(LABEL_DERIVED, "")
    try:
        found = from_label(label).key
    except ValueError:
        found = ""
    if found != key:
        raise EngineError(f"{reference} is on {image['Id']}, which is another image", hint=f"docker rmi {reference}")
