"""A run as a value: planned without an engine, a clock or a network, then executed by a target.

A target (a container here, several, or a cluster) reads a `RunPlan` and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.matrix.spec import Device
from builder.training.request.distribution import Topology, rank_environment

TRAINING = "/training"
SOURCE = f"{TRAINING}/source"
"""The snapshot, read-only, and the working directory; `outputs` and `logs` in it are writable mounts."""
OUTPUTS = f"{SOURCE}/outputs"
LOGS = f"{SOURCE}/logs"
INPUTS = f"{TRAINING}/inputs"
RESUME = f"{TRAINING}/resume"
CONTROL = f"{TRAINING}/control"
"""What the launcher reads: its own source and what it is to start."""
SECRETS = "/run/secrets"
DEFAULT_SHM = 2 * 1024**3
"""The documented default of the estimator; the engine's own 64 MiB is too little for data loaders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunImage:
    """The image of a run. `digest` (sha256:...) is what runs; `reference` is what a person called it."""

    reference: str
    digest: str
    device: Device | None = None
    """What the row says; None for an image of unknown content."""
    cell: str | None = None
    repository: str | None = None
    """The name a cluster pulls `digest` from, registry included; None when only this engine has the image."""
    user: str = ""
    """Who runs in it when nobody says otherwise, as its configuration writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of the host at a path of the container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use: sizes in bytes, time in seconds; None is no limit."""

    shm: int = DEFAULT_SHM
    seconds: int | None = None
    grace: int = 10
    """Seconds between SIGTERM and SIGKILL."""
    memory: int | None = None
    cpus: float | None = None
    gpus: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The source directory as the run sees it."""

    sha256: str
    files: int
    size: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything that decides what a run does; `command` is one process, without whatever starts several."""

    image: RunImage
    snapshot: Snapshot
    command: tuple[str, ...]
    topology: Topology = field(default_factory=Topology)
    environment: tuple[tuple[str, str], ...] = ()
    """The caller's variables and those of its inputs, the same for every rank."""
    inputs: tuple[Mount, ...] = ()
    """The caller's inputs and the model to resume from, all read-only."""
    secrets: tuple[tuple[str, str], ...] = ()
    """Names, and the files of the host that hold them: never the values."""
    limits: Limits = field(default_factory=Limits)

    @property
    def nodes(self) -> int:
        return self.topology.nodes

    @property
    def processes_per_node(self) -> int:
        return self.topology.processes_per_node

    def shared_environment(self) -> Mapping[str, str]:
        """The variables of every process: the caller's, and where each secret's file is."""
        return {**dict(self.environment), **{f"{name}_FILE": f"{SECRETS}/{name}" for name, _ in self.secrets}}

    def environment_of(self, rank: int) -> Mapping[str, str]:
        """The variables that the process of that rank gets beside those of the image."""
        return {**self.shared_environment(), **rank_environment(self.topology, rank)}
