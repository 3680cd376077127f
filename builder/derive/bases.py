"""The image that a request stands on: by the head of a tag, by cell, or by any name that the engine knows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.dependencies.lockfile import Lock
from builder.derive import contents, engine_manifest
from builder.derive import in_registry as remote
from builder.derive.manifest import ImageDocuments
from builder.derive.request import ImageContents, Sited, Surroundings
from builder.errors import InputError
from builder.host import engine
from builder.matrix.load import Matrix
from builder.matrix.names import cell, rolling_tags
from builder.matrix.reference import Registry, parse_registry
from builder.matrix.spec import ImageSpec
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
class BaseImage:
    """The image that a request stands on; `documents` gives its manifest and configuration when they are needed."""

    image: Mapping[str, Any]
    held: ImageContents
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
) -> BaseImage:
    """The base on the engine, else in the registry; raises InputError."""
    target = parse_registry(around.registry) if around.registry else None
    try:
        image = found(client, wanted, matrix, around.repository)
    except InputError:
        if target and (there := in_registry(target, wanted, matrix, around, site=site, lock=lock)):
            return there
        raise
    held = contents.contents(client, image)
    origin = target.reference(repository_of(held.promise.cell, around)).repository if target else ""
    return BaseImage(
        image=image, held=held, documents=lambda: engine_manifest.image_of(client, held.digest), origin=origin
    )


def repository_of(cell_name: str, around: Surroundings) -> str:
    return (around.repository or "{framework}").replace("{framework}", cell_name.partition("/")[0])


def in_registry(
    target: Registry, wanted: str, matrix: Matrix, around: Surroundings, *, site: Sited, lock: Callable[[], Lock]
) -> BaseImage | None:
    """The base as the registry has it, or None; raises RegistryError."""
    with linked(site(), target.host) as connection:
        for name in references(wanted, matrix, around.repository):
            repository, _, tag = name.rpartition(":")
            if repository and (documents := remote.documents(connection, target.reference(repository, tag))):
                image = remote.described(documents)
                held = remote.contents(image, matrix.cells, lock())
                origin = target.reference(repository).repository
                return BaseImage(image=image, held=held, documents=lambda: documents, origin=origin, is_here=False)
    return None


def references(wanted: str, matrix: Matrix, repository: str | None) -> Iterator[str]:
    """The names that it may have on the engine, the likeliest first."""
    name = repository or "{framework}"
    for spec in matrix.cells:
        if wanted == cell(spec):
            yield f"{name.replace('{framework}', spec.framework)}:{rolling_tags(spec)[0]}"
            return
    if ":" not in wanted and "/" not in wanted:
        yield f"{name.replace('{framework}', matrix.default_framework)}:{wanted}"
    yield wanted


def missing(wanted: str, matrix: Matrix) -> InputError:
    """An error with the command that builds what is missing, where the matrix has it."""
    if spec := meant(wanted, matrix.cells, matrix.default_framework):
        return InputError(
            f"--from {wanted}: this engine has no image of {cell(spec)}",
            hint=f"python -m builder build --only '{cell(spec)}'",
        )
    known = [*(cell(spec) for spec in matrix.cells), *(tag for spec in matrix.cells for tag in rolling_tags(spec))]
    return InputError(
        f"--from {wanted}: neither an image of this engine nor one of the matrix{near(wanted, known)}",
        hint="python -m builder list",
    )


def meant(wanted: str, cells: Sequence[ImageSpec], framework: str) -> ImageSpec | None:
    """The cell that a name, or the tag of a name, stands for."""
    name, _, tag = wanted.rpartition(":")
    for spec in cells:
        if wanted == cell(spec) or (tag in rolling_tags(spec) and (name or framework) == spec.framework):
            return spec
    return None
