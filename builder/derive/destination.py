"""The place of one derived image in a registry, with an open connection."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from builder.build import layout_cache
from builder.build.oci_layout import MANIFEST, ImageDocuments
from builder.errors import RegistryError
from builder.host import layer_cache
from builder.host.cache import say
from builder.host.layer_cache import PackedLayer
from builder.host.site import Site
from builder.matrix.reference import Reference, parse_registry
from builder.registry import blobs, manifests
from builder.registry import connection as transport
from builder.registry.descriptors import listed
from builder.registry.session import Connection

if TYPE_CHECKING:
    import docker

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A tag in a registry, and the repository `origin` there that has the layers of the base."""

    connection: Connection
    to: Reference
    origin: str

    def digest(self) -> str | None:
        """The digest that the tag names, or None."""
        return manifests.digest(self.connection, self.to.repository, str(self.to.tag))

    def store(self, image: ImageDocuments, layers: Sequence[PackedLayer]) -> None:
        """Store the image under its digest, unless the registry has it. Only new blobs are sent; raises RegistryError.

        Safe to repeat.
        """
        link, repository, body = self.connection, self.to.repository, json.loads(image.manifest)
        if manifests.digest(link, repository, image.digest) is not None:
            return
        own = {one.digest: one for one in layers}
        for one in listed(body, "layers", image.digest):
            if one.digest not in own:
                self.mount(one.digest)
            elif blobs.size(link, repository, one.digest) is None:
                blobs.upload(link, repository, one.digest, own[one.digest].size, partial(chunks, one.digest))
        blobs.put(link, repository, str(body["config"]["digest"]), image.config)
        manifests.put(link, repository, image.digest, image.manifest, MANIFEST)

    def mount(self, digest: str) -> None:
        """Mount a layer of the base from `origin`, unless it is there; raises RegistryError."""
        link, repository = self.connection, self.to.repository
        if blobs.size(link, repository, digest) is None and not blobs.mount(link, repository, digest, self.origin):
            raise RegistryError(
                f"{link.host}/{repository}: a layer of the base is not in {link.host}/{self.origin}",
                hint="the base has to be in that registry: push it there first",
            )

    def tag(self, image: ImageDocuments) -> None:
        """Give the stored image its tag; raises RegistryError when another image has the tag, which is never moved."""
        before = self.digest()
        if before not in (None, image.digest):
            raise RegistryError(f"{self.to} is already {before}, and is never moved to {image.digest}")
        if before is None:
            manifests.put(self.connection, self.to.repository, str(self.to.tag), image.manifest, MANIFEST)

    def pull(self, client: "docker.DockerClient", image: ImageDocuments) -> str:
        """Make the engine hold the stored image, so that it can be verified; returns the engine's name of it."""
        return layout_cache.bring(client, replace(self.to, tag=None, digest=image.digest), say)


def chunks(layer: str) -> Iterator[bytes]:
    with layer_cache.blob(layer).open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


@contextmanager
def destination(where: str, repository: str, tag: str, origin: str, site: Site) -> Iterator[Destination]:
    """The destination of a tag of this engine in the registry `HOST[/PREFIX]`."""
    target = parse_registry(where)
    with transport.linked(site, target.host) as connection:
        yield Destination(connection=connection, to=target.reference(repository, tag), origin=origin)
