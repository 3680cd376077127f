"""How the processes of a run find each other: pure functions from a topology to the environment of each rank.

MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE are what `env://` of torch.distributed reads, and LOCAL_RANK,
LOCAL_WORLD_SIZE what torchrun adds: https://pytorch.org/docs/stable/distributed.html. The AZ_* names are those
that the estimator's jobs had, and that adapters written for them still read.
"""

from dataclasses import dataclass
from typing import Literal

Backend = Literal["mpi", "gloo", "nccl"]
MASTER_PORT = 6105
"""The port that Azure ML gives PyTorch jobs: scripts have it written into them."""
LOOPBACK = "127.0.0.1"
RESERVED = (
    *("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK"),
    *("AZ_BATCH_MASTER_NODE", "AZ_BATCHAI_MPI_MASTER_NODE"),
    *("AZ_BATCHAI_PYTORCH_INIT_METHOD", "AZ_BATCHAI_PYTORCH_BACKEND", "AZ_BATCHAI_TASK_INDEX"),
)
"""What a distributed run sets for each rank, and nobody else may."""
PLACEHOLDERS = tuple(f"${name}" for name in RESERVED if name.startswith("AZ_"))
"""Arguments that are exactly one of these become the rank's value: documented scripts are called that way."""


MPI_DEFAULTS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_orte_tag_output": "1",
}
"""In a container, root is nobody, processes may outnumber cores, and cores are shared; as variables, because another
MPI's mpirun would refuse Open MPI's flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mpi:
    """Processes that `mpirun` starts, for Horovod or MPI itself; so many on each node."""

    process_count_per_node: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gloo:
    """Processes of torch.distributed that talk over Gloo; one on each node unless it says otherwise."""

    process_count_per_node: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nccl:
    """Processes of torch.distributed that talk over NCCL, hence between GPUs."""

    process_count_per_node: int | None = None


Distributed = Mpi | Gloo | Nccl
BACKENDS: dict[type[Distributed], Backend] = {Mpi: "mpi", Gloo: "gloo", Nccl: "nccl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The processes of a run: without a backend there is exactly one, on one node, and nobody to find."""

    backend: Backend | None = None
    nodes: int = 1
    processes_per_node: int = 1
    master_address: str = LOOPBACK
    """The name or address under which every node reaches the first one."""
    master_port: int = MASTER_PORT

    @property
    def world_size(self) -> int:
        """How many processes there are on all nodes."""
        return self.nodes * self.processes_per_node

    @property
    def init_method(self) -> str:
        """The URL of the rendezvous, as torch.distributed takes it; an IPv6 address stands in brackets."""
        host = f"[{self.master_address}]" if ":" in self.master_address else self.master_address
        return f"tcp://{host}:{self.master_port}"

    def ranks_of(self, node: int) -> range:
        """The ranks of a node, counted from 0; nodes are filled one after the other."""
        return range(node * self.processes_per_node, (node + 1) * self.processes_per_node)


def rank_environment(topology: Topology, rank: int) -> dict[str, str]:
    """What the process of that rank gets beside the run's own variables; nothing when the run is not distributed.

    A lone process gets none: Transformers and Accelerate take LOCAL_RANK as the sign of a launcher.
    """
    if topology.backend is None:
        return {}
    node, local = divmod(rank, topology.processes_per_node)
    found = {
        "MASTER_ADDR": topology.master_address,
        "MASTER_PORT": str(topology.master_port),
        "RANK": str(rank),
        "WORLD_SIZE": str(topology.world_size),
        "LOCAL_RANK": str(local),
        "LOCAL_WORLD_SIZE": str(topology.processes_per_node),
        "NODE_RANK": str(node),
        "AZ_BATCH_MASTER_NODE": f"{topology.master_address}:{topology.master_port}",
        "AZ_BATCHAI_MPI_MASTER_NODE": topology.master_address,
    }
    return found if topology.backend == "mpi" else {**found, **batch_ai(topology, rank)}


def batch_ai(topology: Topology, rank: int) -> dict[str, str]:
    """The names that Gloo and NCCL jobs had; their world size was missing, and is WORLD_SIZE."""
    return {
        "AZ_BATCHAI_PYTORCH_INIT_METHOD": topology.init_method,
        "AZ_BATCHAI_PYTORCH_BACKEND": str(topology.backend),
        "AZ_BATCHAI_TASK_INDEX": str(rank),
    }


def environments(topology: Topology) -> tuple[dict[str, str], ...]:
    """The environment of every rank, in the order of the ranks."""
    return tuple(rank_environment(topology, rank) for rank in range(topology.world_size))
