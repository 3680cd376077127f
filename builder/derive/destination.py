"""The place of one derived image in a registry, with an open connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.derive import in_registry
from builder.derive.blob import Blob
from builder.derive.manifest import ImageDocuments
from builder.host.site import Site
from builder.matrix.reference import Reference, parse_registry
from builder.registry import connection as transport
from builder.registry import manifests

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A tag in a registry, and the repository `origin` there that has the layers of the base."""

    connection: transport.Connection
    to: Reference
    origin: str

    def digest(self) -> str | None:
        """The digest that the tag names, or None."""
        return manifests.digest(self.connection, self.to.repository, str(self.to.tag))

    def store(self, image: ImageDocuments, layer: Blob) -> None:
        """Store the image under its digest, unless the registry has it."""
        if manifests.digest(self.connection, self.to.repository, image.digest) is None:
            in_registry.send(self.connection, self.to, image, layer, self.origin)

    def tag(self, image: ImageDocuments) -> None:
        in_registry.name(self.connection, self.to, image)

    def pull(self, client: "docker.DockerClient", image: ImageDocuments) -> None:
        in_registry.pull(client, self.to, image)


@contextmanager
def destination(where: str, repository: str, tag: str, origin: str, site: Site) -> Iterator[Destination]:
    """The destination of a tag of this engine in the registry `HOST[/PREFIX]`."""
    target = parse_registry(where)
    with transport.linked(site, target.host) as connection:
        yield Destination(connection=connection, to=target.reference(repository, tag), origin=origin)
