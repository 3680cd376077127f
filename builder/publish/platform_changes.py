"""The rolling tags of registries that publishing would take from the image of another platform."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from builder.build.plan import Wanted
from builder.build.platform_change import PlatformChange
from builder.errors import RegistryError, UnavailableError
from builder.host.site import Site
from builder.matrix.promise import platform_in
from builder.matrix.reference import Registry
from builder.publish.existing import AT_ONCE, IMPATIENT
from builder.publish.transfer import Place
from builder.registry import image, manifests
from builder.registry.connection import UNAUTHORIZED, linked


def in_registry(target: Registry, wanted: Sequence[Wanted], site: Site) -> list[list[PlatformChange]]:
    """Those of each wanted cell, in that order; raises RegistryError."""
    with linked(site, target.host, pauses=IMPATIENT) as connection, ThreadPoolExecutor(AT_ONCE) as pool:

        def of(one: Wanted) -> list[PlatformChange]:
            place = Place(connection=connection, repository=target.reference(one.tags.repository).repository)
            return in_repository(place, one.tags.rolling, one.platform)

        return list(pool.map(of, wanted))


def in_repository(place: Place, tags: Iterable[str], platform: str, digest: str = "") -> list[PlatformChange]:
    """Those of one repository; an image of that digest is known to be of the platform. Raises RegistryError."""
    held = {tag: manifests.digest(place.connection, place.repository, tag) for tag in tags}
    known = {one: platform_at(place, one) for one in set(held.values()) if one and one != digest}
    return [
        PlatformChange(reference=f"{place}:{tag}", digest=str(one), before=known[one], after=platform)
        for tag, one in held.items()
        if one in known and known[one] not in ("", platform)
    ]


def platform_at(place: Place, digest: str) -> str:
    """The platform that the label of an image names; empty for what is no image of ours. Raises RegistryError."""
    try:
        return platform_in(image.read(place.connection, place.repository, digest).labels)
    except RegistryError as error:
        if isinstance(error, UnavailableError) or error.status == UNAUTHORIZED:
            raise
        return ""
