"""The images that have tags of a repository now, before publishing moves the tags to another one."""

from collections.abc import Iterable
from dataclasses import dataclass

from builder.errors import RegistryError, UnavailableError
from builder.matrix.promise import Promise, promise_or_none
from builder.publish.transfer import Place
from builder.registry import image, manifests
from builder.registry.connection import UNAUTHORIZED


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The image that a tag is on, and what its label promises; None for what is no image of ours."""

    tag: str
    reference: str
    """The tag with its repository and registry."""
    digest: str
    promise: Promise | None


def holders(place: Place, tags: Iterable[str], digest: str = "") -> list[Holder]:
    """The tags that are on another image than that of the digest; raises RegistryError."""
    held = {tag: manifests.digest(place.connection, place.repository, tag) for tag in tags}
    known = {one: promise_at(place, one) for one in set(held.values()) if one and one != digest}
    return [
        Holder(tag=tag, reference=f"{place}:{tag}", digest=one, promise=known[one])
        for tag, one in held.items()
        if one and one in known
    ]


def promise_at(place: Place, digest: str) -> Promise | None:
    """What the label of an image promises; None for what is no image of ours. Raises RegistryError."""
    try:
        return promise_or_none(image.read(place.connection, place.repository, digest).labels)
    except RegistryError as error:
        if isinstance(error, UnavailableError) or error.status == UNAUTHORIZED:
            raise
        return None
