"""The labels of a derived image: its base's, its own promises, and nothing that says a row's build made it."""

import json
from collections.abc import Mapping
from typing import Any

from builder.derive.lockfile import Answer
from builder.derive.request import Contents
from builder.errors import EngineError
from builder.matrix.names import LABEL_COMPONENTS, LABEL_DERIVED, LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW

SCHEMA = 1
NOT_INHERITED = (LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_COMPONENTS)
"""What makes an image the one that a row's build gave: `plan` looks for these."""
OF_TORCH = "torch-"


def labels(
    before: Mapping[str, str], row: Mapping[str, Any], held: Contents, answer: Answer, key: str
) -> dict[str, str]:
    """Every label of the derived image."""
    found = {name: text for name, text in before.items() if name not in NOT_INHERITED}
    found["org.opencontainers.image.base.name"] = held.cell
    found["org.opencontainers.image.base.digest"] = held.digest
    found[LABEL_ROW] = dumped(row)
    found[LABEL_DERIVED] = dumped(
        {
            "schema": SCHEMA,
            "base": held.digest,
            "key": key,
            "distributions": {one.name: one.version for one in answer.distributions},
            "conda": {one.name: one.version for one in answer.conda},
        }
    )
    return found


def row(before: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """What the derived image promises: its base's row, with the pins that an override moved.

    Another torch brings another CUDA: those pins no longer hold, and nothing says what they should be.
    """
    moved = {one.name: one.version for one in answer.distributions}
    pins = {}
    for name, pin in before["pins"].items():
        if "torch" in moved and str(pin["probe"]).startswith(OF_TORCH):
            continue
        is_python = pin["probe"] == "python-distribution"
        pins[name] = {**pin, "value": moved[name]} if is_python and name in moved else pin
    return {**before, "pins": pins}


def dumped(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def assert_same(image: Mapping[str, Any], reference: str, key: str) -> None:
    """Raise EngineError when somebody gave that tag to another image."""
    label = (image["Config"].get("Labels") or {}).get(LABEL_DERIVED, "{}")
    try:
        found = json.loads(label).get("key")
    except (ValueError, AttributeError):
        found = None
    if found != key:
        raise EngineError(f"{reference} is on {image['Id']}, which is another image", hint=f"docker rmi {reference}")
