"""A rehearsal: an image made with stand-ins for what others publish. It stays on its engine, under one name."""

from collections.abc import Mapping
from typing import Any

from builder.errors import InputError
from builder.matrix.names import LABEL_REHEARSAL, LABEL_REHEARSED

REPOSITORY = "rehearsal-not-the-real-thing"
"""The repository in which a rehearsal has its tags, or the folder of such repositories."""
MARKS = (LABEL_REHEARSAL, LABEL_REHEARSED)


def is_rehearsal(labels: Mapping[str, Any]) -> bool:
    """Whether a label says so. Images that stand on a rehearsal inherit its labels, and so are rehearsals too."""
    return any(name.startswith(MARKS) for name in labels)


def refuse(labels: Mapping[str, Any], image: str) -> None:
    """Raise InputError for a rehearsal, before it is brought to a registry, given a tag of real images, or signed."""
    if is_rehearsal(labels):
        raise InputError(
            f"{image}: it is a rehearsal, as its label {LABEL_REHEARSAL} says:"
            " it is never pushed, promoted, attested, or tagged as the real thing",
            hint="python -m builder build, which makes the real one",
        )


def refuse_tag(labels: Mapping[str, Any], image: str, repository: str) -> None:
    """Raise InputError for a rehearsal that would get a tag in a repository that is not of rehearsals."""
    if repository.partition("/")[0] != REPOSITORY:
        refuse(labels, image)
