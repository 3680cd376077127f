"""What changed between the recorded states of a cell and its image."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from builder.build.changes import changes
from builder.catalogue.image_info import Image, Info
from builder.matrix.spec import Pin


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step: the day the newer image was verified, its digest, and each difference as a line."""

    when: str | None
    digest: str | None
    what: tuple[str, ...]


def changes_of(states: Sequence[Info]) -> list[Change]:
    """The changes between the states of one cell, given oldest first, returned newest first; equal states give none."""
    steps = [step(old, new) for old, new in pairwise(states)]
    return [one for one in reversed(steps) if one]


def step(old: Info, new: Info) -> Change | None:
    before, after = old.image, new.image
    if (before and before.digest) == (after and after.digest):
        moved = tuple(f"the row: {one}" for one in pins(old.pins, new.pins))
        return Change(when=None, digest=None, what=moved) if moved else None
    if after is None:
        return Change(when=None, digest=None, what=("its image is gone",))
    when = after.verification.when[:10] if after.verification else None
    what = ("first image",) if before is None else between(before, after)
    return Change(when=when, digest=after.digest, what=what)


def between(before: Image, after: Image) -> tuple[str, ...]:
    """Why two images differ, one line for each difference, as `explain` prints them."""
    if before.fingerprint == after.fingerprint:
        return ("built again from the same inputs, with other bytes",)
    if before.inputs and after.inputs:
        return changes(before.inputs, after.inputs)
    return ("built from other inputs; a label does not say which",)


def pins(old: Sequence[Pin], new: Sequence[Pin]) -> list[str]:
    before, after = ({pin.name: pin.value for pin in pins} for pins in (old, new))
    return [
        f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
