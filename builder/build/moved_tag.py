"""Whether an image that has an immutable tag can be the build that got it, as far as the image itself says. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from builder.build.fingerprint import fingerprint_in
from builder.matrix.rehearsal import is_rehearsal
from builder.matrix.spec import EPOCH
from builder.matrix.tags import names_fingerprint


def moved(tag: str, labels: Mapping[str, Any], created: str) -> str:
    """Why somebody must have moved the tag to this image; empty when nothing says so. `created` is its date."""
    if is_rehearsal(labels):
        return "it is a rehearsal"
    fingerprint = fingerprint_in(labels)
    if not fingerprint or not names_fingerprint(tag, fingerprint):
        return f"its fingerprint is {fingerprint[:8] or 'missing'}"
    return "" if is_epoch(created) else f"it was changed after its build: it is of {created[:19] or 'no date'!a}"


def is_epoch(created: str) -> bool:
    """Whether the date of an image is the one that every build writes."""
    try:
        return datetime.fromisoformat(created).timestamp() == EPOCH
    except (ValueError, OverflowError):
        return False
