"""A rolling tag that would go back, to an older release or build, or to another framework: refused without a flag."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

from builder.errors import InputError
from builder.matrix.promise import Promise
from builder.matrix.version import order
from builder.publish.holders import Holder

FLAG = "--force"
HINT = f"the same command with {FLAG} moves it all the same"
Verified = Callable[[str], datetime | None]
"""When the checks of an image there ended, by its digest, as a trusted signer says; None where nobody does."""


def setbacks(
    found: Iterable[Holder], after: Promise, verified: datetime | None, verified_there: Verified
) -> Iterator[str]:
    """A sentence for each tag that an image of that promise, verified then, would take back."""
    for one in found:
        if why := setback(one, after, verified, verified_there):
            yield f"{one.reference} would go {why}; it is on {one.digest[:19]}"


def setback(one: Holder, after: Promise, verified: datetime | None, verified_there: Verified) -> str:
    """Why the tag would go back; empty when it would not, or when nothing is known of the image that has it now."""
    before = one.promise
    if before is None:
        return ""
    if before.framework != after.framework:
        return f"from {before.framework} to {after.framework}"
    if order(before.version) > order(after.version):
        return f"back from {before.version} to {after.version}"
    if before.cell != after.cell or verified is None:
        return ""
    there = verified_there(one.digest)
    if there and there > verified:
        return f"back to an older build, verified on {verified.isoformat()}, from one of {there.isoformat()}"
    return ""


def refuse(found: Collection[str], subject: str) -> None:
    """Raise InputError with every setback, if there is one; `subject` is the cell."""
    if found:
        raise InputError([f"{subject}: not without {FLAG}: {one}" for one in found], hint=HINT)
