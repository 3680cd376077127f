"""The rolling tags of registries that publishing would take from the image of another platform."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from builder.build.plan import Wanted
from builder.build.platform_change import PlatformChange
from builder.host.site import Site
from builder.matrix.reference import Registry
from builder.publish.existing import AT_ONCE, IMPATIENT
from builder.publish.holders import Holder, holders
from builder.publish.transfer import Place
from builder.registry.connection import linked


def in_registry(target: Registry, wanted: Sequence[Wanted], site: Site) -> list[list[PlatformChange]]:
    """Those of each wanted cell, in that order; raises RegistryError."""
    with linked(site, target.host, pauses=IMPATIENT) as connection, ThreadPoolExecutor(AT_ONCE) as pool:

        def of(one: Wanted) -> list[PlatformChange]:
            place = Place(connection=connection, repository=target.reference(one.tags.repository).repository)
            return among(holders(place, one.tags.rolling), one.platform)

        return list(pool.map(of, wanted))


def among(found: Iterable[Holder], platform: str) -> list[PlatformChange]:
    """Those among the images that have the tags now, for an image of that platform."""
    return [
        PlatformChange(reference=one.reference, digest=one.digest, before=one.promise.platform, after=platform)
        for one in found
        if one.promise and one.promise.platform != platform
    ]
