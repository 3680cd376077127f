"""Finds the image that a request starts from, on the engine or in the registry.

It is named by a tag such as `1.6-gpu`, a cell such as `pytorch/1.6.0-gpu-debian12`, or any reference of the engine.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.build import engine_manifest
from builder.build.oci_layout import ImageDocuments
from builder.dependencies.lockfile import Lock
from builder.derive import contents
from builder.derive import in_registry as remote
from builder.derive.base_files import BaseFiles, base_files
from builder.derive.request import Contents, Sited, Surroundings
from builder.errors import InputError
from builder.host import engine
from builder.host.cache import say
from builder.matrix.load import Matrix
from builder.matrix.names import cell
from builder.matrix.reference import Registry, parse, parse_registry, repository_and_tag
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import own_tag, repository_of
from builder.matrix.yaml_positions import near, show
from builder.registry.connection import linked

if TYPE_CHECKING:
    import docker

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,300}")


def found(client: "docker.DockerClient", wanted: str, matrix: Matrix, repository: str | None) -> Mapping[str, Any]:
    """What the engine's inspect says of the image; raises InputError with the command that builds a missing one."""
    if not REFERENCE.fullmatch(wanted):
        raise InputError(f"--from {show(wanted)}: not a tag, a cell or an image", hint="python -m builder list")
    for reference in references(wanted, matrix, repository):
        if image := engine.inspect(client, reference):
            return image
    raise missing(wanted, matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """The image that a request starts from; `image` is what the engine's inspect says of it."""

    image: Mapping[str, Any]
    held: Contents
    documents: Callable[[], ImageDocuments]
    """Gives the manifest and configuration: a call, as asking the engine for them takes a second."""
    origin: str = ""
    """Its repository in the registry that is published to; empty when nothing is published."""
    reference: str = ""
    """How it is pulled from the registry, when the engine lacks it; empty when the engine has it."""

    @property
    def is_here(self) -> bool:
        """Whether the engine has it."""
        return not self.reference

    def brought(self, client: "docker.DockerClient") -> str:
        """The engine's name of it. One that lacks it pulls it, as it needs its layers for the derived image anyway."""
        from builder.build.layout_cache import bring

        return self.held.digest if self.is_here else bring(client, parse(self.reference), say)

    def files(self, client: "docker.DockerClient") -> BaseFiles:
        """What it holds."""
        return base_files(client, self.brought(client))


def base(
    client: "docker.DockerClient",
    wanted: str,
    matrix: Matrix,
    around: Surroundings,
    *,
    site: Sited,
    lock: Callable[[], Lock],
) -> BaseImage:
    """The base on the engine, else in the registry.

    Raises InputError when neither has it, or it is not an image of ours; RegistryError when the registry fails.
    """
    target = parse_registry(around.registry) if around.registry else None
    try:
        image = found(client, wanted, matrix, around.repository)
    except InputError:
        if target and (there := in_registry(target, wanted, matrix, around, site=site, lock=lock)):
            return there
        raise
    held = contents.contents(client, image)
    origin = target.reference(repository_of(held.promise.framework, around.repository)).repository if target else ""
    return BaseImage(
        image=image, held=held, documents=lambda: engine_manifest.image_of(client, held.digest), origin=origin
    )


def in_registry(
    target: Registry, wanted: str, matrix: Matrix, around: Surroundings, *, site: Sited, lock: Callable[[], Lock]
) -> BaseImage | None:
    """The base in the registry, or None when it has no such tag.

    Raises InputError when the labels do not say what the image holds; RegistryError when the registry fails.
    """
    with linked(site(), target.host) as connection:
        for name in references(wanted, matrix, around.repository):
            repository, tag = repository_and_tag(name)
            if repository and (documents := remote.documents(connection, target.reference(repository, tag))):
                image = remote.described(documents)
                held = remote.contents(image, matrix.cells, lock())
                origin = target.reference(repository).repository
                found_at = str(target.reference(repository, digest=documents.digest))
                return BaseImage(image=image, held=held, documents=lambda: documents, origin=origin, reference=found_at)
    return None


def references(wanted: str, matrix: Matrix, repository: str | None) -> Iterator[str]:
    """The references that `wanted` may stand for, the likeliest first: `1.6-gpu` gives `pytorch:1.6-gpu`, `1.6-gpu`."""
    for spec in matrix.cells:
        if wanted == cell(spec):
            yield f"{repository_of(spec.framework, repository)}:{own_tag(spec)}"
            return
    if ":" not in wanted and "/" not in wanted:
        yield f"{repository_of(matrix.default_framework, repository)}:{wanted}"
    yield wanted


def missing(wanted: str, matrix: Matrix) -> InputError:
    """The error for a base that was not found; its hint builds the cell when the matrix has it."""
    if spec := meant(wanted, matrix.cells, matrix.default_framework):
        return InputError(
            f"--from {wanted}: the image of {cell(spec)} is not on this engine",
            hint=f"python -m builder build --only '{cell(spec)}'",
        )
    known = [*(cell(spec) for spec in matrix.cells), *(tag for spec in matrix.cells for tag in spec.rolling_tags)]
    return InputError(
        f"--from {wanted}: neither an image of this engine nor a cell or tag of the matrix{near(wanted, known)}",
        hint="python -m builder list",
    )


def meant(wanted: str, cells: Sequence[ImageSpec], framework: str) -> ImageSpec | None:
    """The cell that `wanted` names: itself, as a rolling tag, or as `FRAMEWORK:TAG`; None when none does."""
    name, tag = repository_and_tag(wanted)
    for spec in cells:
        if wanted == cell(spec) or (tag in spec.rolling_tags and (name or framework) == spec.framework):
            return spec
    return None
