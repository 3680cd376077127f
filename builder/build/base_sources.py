"""The base images that cells stand on, as sources that can be asked: whether their registry has the pinned digests."""

from collections.abc import Iterator, Sequence
from functools import partial

from builder.build.site_inputs import mirrored
from builder.dependencies.source import Answer, GoneError, Source
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.reference import Reference, parse
from builder.matrix.spec import ImageSpec, Platform
from builder.registry import manifests
from builder.registry.connection import linked

PAUSES = (0.5,)


def of(cells: Sequence[ImageSpec], site: Site) -> Iterator[Source]:
    """A source for each digest that the matrix pins."""
    pinned = {(spec.platform, digest) for spec in cells for digest in digests(spec.platform)}
    for platform, digest in sorted(pinned, key=lambda one: (one[0].name, one[1])):
        reference = named(platform, digest, site)
        is_replaced = site.base == "bootstrap" and platform.bootstrap
        yield Source(
            kind="base image",
            name=str(reference),
            cells=tuple(cell(spec) for spec in cells if spec.platform == platform),
            questions=(partial(there, reference, site),),
            instead="base: bootstrap, or registry-mirrors" if platform.bootstrap else "registry-mirrors",
            replaced="base: bootstrap" if is_replaced else "",
        )


def digests(platform: Platform) -> tuple[str, ...]:
    """The digests of the base and of the toolchain base, each once."""
    return tuple(dict.fromkeys((platform.base_digest, platform.toolchain_digest)))


def named(platform: Platform, digest: str, site: Site) -> Reference:
    """The base as a build of this site names it."""
    if site.registry_mirrors:
        return parse(mirrored(platform, site.registry_mirrors[0], digest))
    return parse(f"{platform.base_image}@{digest}")


def there(reference: Reference, site: Site) -> Iterator[Answer]:
    """The answer of the registry; raises RegistryError, and GoneError when it has no such manifest."""
    with linked(site, reference.host, pauses=PAUSES) as connection:
        if manifests.digest(connection, reference.repository, reference.version) is None:
            raise GoneError("the registry has no such manifest")
    yield Answer(subject=str(reference))
