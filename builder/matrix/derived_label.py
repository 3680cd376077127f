"""The label of a derived image: what somebody's own environment adds to the image that it stands on."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from builder.errors import InputError
from builder.matrix.names import LABEL_DERIVED
from builder.matrix.promise import MEASURED, matched, only, read_label
from builder.matrix.reference import DIGEST

SCHEMA = 1
LONGEST = 1_000_000
"""In characters; a distribution takes about 30."""
DISTRIBUTION = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_])?")
KEYS = frozenset({"schema", "base", "key", "distributions", "conda"})
KEY = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedLabel:
    """The digest of the base, the key of the request, and by name the version of all that was added."""

    base: str
    key: str
    distributions: Mapping[str, str] = field(default_factory=dict)
    conda: Mapping[str, str] = field(default_factory=dict)

    def to_label(self) -> str:
        """The label: one line of JSON, its keys sorted."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True, separators=(",", ":"))


def derived_in(labels: Mapping[str, Any], image: str) -> DerivedLabel | None:
    """What the labels of an image say was added; None for an image of a row.

    Raises InputError, naming the image, for a label that `to_label` did not write.
    """
    text = labels.get(LABEL_DERIVED)
    if text is None:
        return None
    try:
        return from_label(str(text))
    except ValueError as error:
        hint = "derive it again: python -m builder derive --from IMAGE"
        raise InputError(f"{image}: the label {LABEL_DERIVED} cannot be read: {error}", hint=hint) from None


def from_label(text: str) -> DerivedLabel:
    """The label as a value; raises ValueError for anything that `to_label` did not write."""
    return read_label(text, read, LONGEST)


def read(content: Mapping[str, Any]) -> DerivedLabel:
    """The label in parsed JSON; raises ValueError, or an error of the shape."""
    if content["schema"] != SCHEMA:
        raise ValueError(f"schema {content['schema']!a:.60}, this program reads {SCHEMA}")
    only(content, KEYS)
    return DerivedLabel(
        base=matched(content["base"], DIGEST),
        key=matched(content["key"], KEY),
        distributions=versions(content["distributions"]),
        conda=versions(content["conda"]),
    )


def versions(content: Mapping[str, Any]) -> dict[str, str]:
    return {matched(name, DISTRIBUTION): matched(value, MEASURED) for name, value in content.items()}
