"""A run that was asked for, as a checked value, and its plan on a given image and snapshot."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from builder.matrix.spec import Device, ImageSpec
from builder.training.request.argument_types import ContainerRegistry, Input
from builder.training.request.distribution import Topology
from builder.training.request.entry import Entry
from builder.training.request.parameters import RESUME_FLAG, Word
from builder.training.request.plan import (
    DEFAULT_PIDS,
    DEFAULT_SHM,
    INPUTS,
    RESUME,
    Limits,
    Mount,
    RunImage,
    RunPlan,
    Snapshot,
)

DATA_REFERENCE = "AZUREML_DATAREFERENCE_"
"""The prefix of the variables in which documented scripts find their inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPackages:
    """What is added to the image. The files are absolute paths inside the source directory."""

    pip: tuple[str, ...] = ()
    pip_file: Path | None = None
    conda: tuple[str, ...] = ()
    conda_file: Path | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.pip or self.pip_file or self.conda or self.conda_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomImage:
    """An image of the caller's own instead of a row's, and the registry login for it."""

    reference: str
    registry: ContainerRegistry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A run that was asked for, before any target plans it."""

    row: ImageSpec
    """Its image is used unless there is a custom one."""
    source: Path
    entry: Entry
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


def plan_of(
    request: RunRequest,
    *,
    image: RunImage,
    snapshot: Snapshot,
    memory: int | None = None,
    cpus: float | None = None,
    pids: int = DEFAULT_PIDS,
    secrets: tuple[tuple[str, str], ...] = (),
) -> RunPlan:
    """The plan of the request on that image and snapshot. `memory` is in bytes."""
    return RunPlan(
        image=image,
        snapshot=snapshot,
        command=(*request.entry.runner, request.entry.name, *arguments(request)),
        leading=len(request.entry.runner),
        topology=request.topology,
        environment=tuple({**references(request), **dict(request.environment)}.items()),
        inputs=mounts(request),
        secrets=secrets,
        limits=Limits(
            shm=request.shm,
            seconds=request.seconds,
            memory=memory,
            cpus=cpus,
            pids=pids,
            gpus=request.device == "gpu",
        ),
    )


def arguments(request: RunRequest) -> tuple[str, ...]:
    """The arguments of the script. An input, or its token `$AZUREML_DATAREFERENCE_NAME`, becomes its path."""
    known = {f"${name}": path for name, path in references(request).items()}
    words = [place(word) if isinstance(word, Input) else known.get(word, word) for word in request.words]
    resume = (RESUME_FLAG, resume_place(request.resume_from)) if request.resume_from else ()
    return (*words, *resume)


def references(request: RunRequest) -> dict[str, str]:
    """The documented variable of each input, with its path in the container."""
    return {f"{DATA_REFERENCE}{one.name}": place(one) for one in request.inputs}


def place(one: Input) -> str:
    """Where an input is in the container."""
    return f"{INPUTS}/{one.name}"


def resume_place(path: str) -> str:
    """Where the checkpoint is in the container. Its name stays, because loaders look at the suffix."""
    return str(PurePosixPath(RESUME) / PurePosixPath(path).name)


def mounts(request: RunRequest) -> tuple[Mount, ...]:
    """The mounts of the inputs and of the checkpoint."""
    found = [Mount(source=one.source, target=place(one)) for one in request.inputs]
    if request.resume_from:
        found.append(Mount(source=request.resume_from, target=resume_place(request.resume_from)))
    return tuple(found)
