"""The image that a request stands on: by the head of a tag, by cell, or by any name that the engine knows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from builder import engine
from builder.errors import InputError
from builder.located import near, show
from builder.matrix import Matrix
from builder.names import cell, rolling_tags
from builder.spec import ImageSpec

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
