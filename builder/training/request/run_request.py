"""What a person asked for, checked: from here on nothing is optional by accident."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from builder.matrix.spec import Device, ImageSpec
from builder.training.request.argument_types import ContainerRegistry, Input
from builder.training.request.distribution import Topology
from builder.training.request.parameters import RESUME_FLAG, Word
from builder.training.request.plan import DEFAULT_SHM, INPUTS, RESUME, Limits, Mount, RunImage, RunPlan, Snapshot

if TYPE_CHECKING:
    from builder.training.local.run import Run

DATA_REFERENCE = "AZUREML_DATAREFERENCE_"
"""The prefix under which documented scripts find their inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPackages:
    """What is to be added to the image; files are absolute, and belong to the source directory."""

    pip: tuple[str, ...] = ()
    pip_file: Path | None = None
    conda: tuple[str, ...] = ()
    conda_file: Path | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.pip or self.pip_file or self.conda or self.conda_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomImage:
    """An image that is no row's, and who may pull it."""

    reference: str
    registry: ContainerRegistry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A run that may be planned for any target."""

    row: ImageSpec
    """The row that was chosen; its image is used unless there is a custom one."""
    source: Path
    entry: str
    custom: CustomImage | None = None
    device: Device = "cpu"
    words: tuple[Word, ...] = ()
    topology: Topology = field(default_factory=Topology)
    packages: AddedPackages = field(default_factory=AddedPackages)
    environment: tuple[tuple[str, str], ...] = ()
    inputs: tuple[Input, ...] = ()
    resume_from: str | None = None
    shm: int = DEFAULT_SHM
    seconds: int | None = None


class RunTarget(Protocol):
    """Where runs go."""

    def submit(self, request: RunRequest) -> "Run":
        """Start the run; raises InputError when this target cannot run it."""


def plan_of(
    request: RunRequest,
    *,
    image: RunImage,
    snapshot: Snapshot,
    memory: int | None = None,
    cpus: float | None = None,
    secrets: tuple[tuple[str, str], ...] = (),
) -> RunPlan:
    """The plan of a request on the image and the snapshot that a target found or made."""
    return RunPlan(
        image=image,
        snapshot=snapshot,
        command=("python", request.entry, *arguments(request)),
        topology=request.topology,
        environment=tuple({**references(request), **dict(request.environment)}.items()),
        inputs=mounts(request),
        secrets=secrets,
        limits=Limits(shm=request.shm, seconds=request.seconds, memory=memory, cpus=cpus, gpus=request.device == "gpu"),
    )


def arguments(request: RunRequest) -> tuple[str, ...]:
    """The script's arguments; an input, or the documented token for it, is its path in the container."""
    known = {f"${name}": path for name, path in references(request).items()}
    words = [place(word) if isinstance(word, Input) else known.get(word, word) for word in request.words]
    resume = (RESUME_FLAG, resume_place(request.resume_from)) if request.resume_from else ()
    return (*words, *resume)


def references(request: RunRequest) -> dict[str, str]:
    """The path of each input under its documented variable."""
    return {f"{DATA_REFERENCE}{one.name}": place(one) for one in request.inputs}


def place(one: Input) -> str:
    """Where an input is in the container."""
    return f"{INPUTS}/{one.name}"


def resume_place(path: str) -> str:
    """Where the model to resume from is; its name is kept, because loaders judge by the suffix."""
    return str(PurePosixPath(RESUME) / PurePosixPath(path).name)


def mounts(request: RunRequest) -> tuple[Mount, ...]:
    """The inputs and the model to resume from."""
    found = [Mount(source=one.source, target=place(one)) for one in request.inputs]
    if request.resume_from:
        found.append(Mount(source=request.resume_from, target=resume_place(request.resume_from)))
    return tuple(found)
