"""The plan of a run, as a value. Making one needs no engine, no clock and no network.

A target executes it, e.g. in containers of this engine or on a cluster, and reads nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.matrix.spec import Device
from builder.training.request.distribution import Topology

TRAINING = "/training"
SOURCE = f"{TRAINING}/source"
"""The snapshot and working directory. It is read-only, except for the mounts `outputs` and `logs` in it."""
OUTPUTS = f"{SOURCE}/outputs"
LOGS = f"{SOURCE}/logs"
INPUTS = f"{TRAINING}/inputs"
RESUME = f"{TRAINING}/resume"
CONTROL = f"{TRAINING}/control"
"""The launcher and its instructions."""
SECRETS = "/run/secrets"
DEFAULT_SHM = 2 * 1024**3
"""The documented default of the estimator. The engine's own, 64 MiB, is too little for data loaders."""
DEFAULT_PIDS = 16_384
"""Data loaders of many processes have threads by the hundred; a script that forks without end ends here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunImage:
    """The image of a run. `digest` (sha256:...) is what runs; `reference` is the name that a person gave."""

    reference: str
    digest: str
    device: Device | None = None
    """The device in the image's label; None when it has no such label."""
    cell: str | None = None
    repository: str | None = None
    """The name from which a cluster pulls `digest`, with the registry; None when only this engine has the image."""
    user: str = ""
    """The user in the image's configuration, e.g. `1000:1000`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of the host at a path of the container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use: sizes in bytes, time in seconds. None is no limit."""

    shm: int = DEFAULT_SHM
    seconds: int | None = None
    grace: int = 10
    """Seconds between SIGTERM and SIGKILL."""
    memory: int | None = None
    cpus: float | None = None
    pids: int = DEFAULT_PIDS
    """Processes and threads of a node at once."""
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
    """Everything that decides what a run does. `command` is one process, without what starts several."""

    image: RunImage
    snapshot: Snapshot
    command: tuple[str, ...]
    leading: int = 1
    """How many words of the command stand before the script or module, e.g. 2 in `python -m package.train`."""
    topology: Topology = field(default_factory=Topology)
    environment: tuple[tuple[str, str], ...] = ()
    """The variables of the caller and of the inputs. Every rank has the same."""
    inputs: tuple[Mount, ...] = ()
    """The caller's inputs and the checkpoint to resume from, all read-only."""
    secrets: tuple[tuple[str, str], ...] = ()
    """Names, and the files of the host that hold the values. The values themselves are never here."""
    limits: Limits = field(default_factory=Limits)

    @property
    def entry(self) -> str:
        """The script or the module."""
        return self.command[self.leading]

    @property
    def is_prompt(self) -> bool:
        """Whether a person is at a prompt, in place of a script."""
        return not self.leading

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the script is given."""
        return self.command[self.leading + 1 :]

    @property
    def nodes(self) -> int:
        return self.topology.nodes

    @property
    def processes_per_node(self) -> int:
        return self.topology.processes_per_node

    def shared_environment(self) -> Mapping[str, str]:
        """The variables of every process: those of the plan, and the path of each secret in NAME_FILE."""
        return {**dict(self.environment), **{f"{name}_FILE": f"{SECRETS}/{name}" for name, _ in self.secrets}}
