"""The image that a request stands on: by the head of a tag, by cell, or by any name that the engine knows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.dependencies.lockfile import Lock
from builder.derive import contents, engine_manifest
from builder.derive import in_registry as remote
from builder.derive.manifest import ImageDocuments
from builder.derive.request import Contents, Sited
from builder.derive.result import Surroundings
from builder.errors import InputError
from builder.host import engine
from builder.matrix.load import Matrix
from builder.matrix.names import cell
from builder.matrix.reference import Registry, parse_registry, repository_and_tag
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import own_tag, repository_of
from builder.matrix.yaml_positions import near, show
from builder.registry.connection import linked

if TYPE_CHECKING:
    import docker

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,300}")


def found(client: "docker.DockerClient", wanted: str, matrix: Matrix, repository: str | None) -> Mapping[str, Any]:
    """What the engine knows of the image; raises InputError that says how to build it."""
    if not REFERENCE.fullmatch(wanted):
        raise InputError(f"--from {show(wanted)}: not a tag, a cell or an image", hint="python -m builder list")
    for reference in references(wanted, matrix, repository):
        if image := engine.inspect(client, reference):
            return image
    raise missing(wanted, matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The image that a request stands on; `documents` gives its manifest and configuration when they are needed."""

    image: Mapping[str, Any]
    held: Contents
    documents: Callable[[], ImageDocuments]
    origin: str = ""
    """Its repository in the registry that is published to; empty when nothing is published."""
    is_here: bool = True
    """Whether the engine has it: otherwise the registry is all that knows it."""


def base(
    client: "docker.DockerClient",
    wanted: str,
    matrix: Matrix,
    around: Surroundings,
    *,
    site: Sited,
    lock: Callable[[], Lock],
) -> Base:
    """The base on the engine, else in the registry; raises InputError."""
    target = parse_registry(around.registry) if around.registry else None
    try:
        image = found(client, wanted, matrix, around.repository)
    except InputError:
        if target and (there := in_registry(target, wanted, matrix, around, site=site, lock=lock)):
            return there
        raise
    held = contents.contents(client, image)
    origin = target.reference(repository_of(held.promise.framework, around.repository)).repository if target else ""
    return Base(image=image, held=held, documents=lambda: engine_manifest.image_of(client, held.digest), origin=origin)


def in_registry(
    target: Registry, wanted: str, matrix: Matrix, around: Surroundings, *, site: Sited, lock: Callable[[], Lock]
) -> Base | None:
    """The base as the registry has it, or None; raises RegistryError."""
    with linked(site(), target.host) as connection:
        for name in references(wanted, matrix, around.repository):
            repository, tag = repository_and_tag(name)
            if repository and (documents := remote.documents(connection, target.reference(repository, tag))):
                image = remote.described(documents)
                held = remote.contents(image, matrix.cells, lock())
                origin = target.reference(repository).repository
                return Base(image=image, held=held, documents=lambda: documents, origin=origin, is_here=False)
    return None


def references(wanted: str, matrix: Matrix, repository: str | None) -> Iterator[str]:
    """The names that it may have on the engine, the likeliest first."""
    for spec in matrix.cells:
        if wanted == cell(spec):
            yield f"{repository_of(spec.framework, repository)}:{own_tag(spec)}"
            return
    if ":" not in wanted and "/" not in wanted:
        yield f"{repository_of(matrix.default_framework, repository)}:{wanted}"
    yield wanted


def missing(wanted: str, matrix: Matrix) -> InputError:
    """An error with the command that builds what is missing, where the matrix has it."""
    if spec := meant(wanted, matrix.cells, matrix.default_framework):
        return InputError(
            f"--from {wanted}: this engine has no image of {cell(spec)}",
            hint=f"python -m builder build --only '{cell(spec)}'",
        )
    known = [*(cell(spec) for spec in matrix.cells), *(tag for spec in matrix.cells for tag in spec.rolling_tags)]
    return InputError(
        f"--from {wanted}: neither an image of this engine nor one of the matrix{near(wanted, known)}",
        hint="python -m builder list",
    )


def meant(wanted: str, cells: Sequence[ImageSpec], framework: str) -> ImageSpec | None:
    """The cell that a name, or the tag of a name, stands for."""
    name, tag = repository_and_tag(wanted)
    for spec in cells:
        if wanted == cell(spec) or (tag in spec.rolling_tags and (name or framework) == spec.framework):
            return spec
    return None
