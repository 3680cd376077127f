"""How the processes of a run find each other: pure functions from a topology to the environment of each rank.

`env://` of torch.distributed reads MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE. A script written for torchrun finds
all that torchrun sets: https://pytorch.org/docs/stable/elastic/run.html#environment-variables. The jobs of the
documented estimator had the AZ_* names, and adapters written for them still read those.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

Backend = Literal["mpi", "gloo", "nccl"]
MASTER_PORT = 6105
"""The port of PyTorch jobs in Azure ML. Scripts have it written into them."""
LOOPBACK = "127.0.0.1"
ROLE = "default"
"""The name that torchrun gives to its processes, where it is given none."""
ERRORS = "/training/source/logs"
"""Where `torch.distributed.elastic.multiprocessing.errors.record` writes the error of a rank, so that it is kept."""
RESERVED = (
    *("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK"),
    *("GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_NAME", "ROLE_RANK", "ROLE_WORLD_SIZE"),
    *("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_MAX_RESTARTS"),
    *("TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_SIGNALS_TO_HANDLE", "TORCHELASTIC_ERROR_FILE"),
    *("AZ_BATCH_MASTER_NODE", "AZ_BATCHAI_MPI_MASTER_NODE"),
    *("AZ_BATCHAI_PYTORCH_INIT_METHOD", "AZ_BATCHAI_PYTORCH_BACKEND", "AZ_BATCHAI_TASK_INDEX"),
)
"""The variables that a distributed run sets for each rank. A caller may not give them."""
PLACEHOLDERS = tuple(f"${name}" for name in RESERVED if name.startswith("AZ_"))
"""An argument that is exactly one of these becomes the rank's value, because documented scripts are called so."""
TORCH_DEFAULTS = {"TORCH_NCCL_ASYNC_ERROR_HANDLING": "1"}
"""torchrun sets it too, unless the caller does: a collective that fails ends its process."""
MPI_DEFAULTS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_orte_tag_output": "1",
}
"""A container may run mpirun as root, with more processes than cores, on shared cores. These are variables, because
the mpirun of another MPI would refuse Open MPI's flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mpi:
    """Processes that `mpirun` starts, for Horovod or MPI itself."""

    backend: ClassVar[Backend] = "mpi"
    process_count_per_node: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gloo:
    """Processes of torch.distributed that talk over Gloo."""

    backend: ClassVar[Backend] = "gloo"
    process_count_per_node: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nccl:
    """Processes of torch.distributed that talk over NCCL, so between GPUs."""

    backend: ClassVar[Backend] = "nccl"
    process_count_per_node: int | None = None


Distributed = Mpi | Gloo | Nccl
BACKENDS: dict[str, type[Distributed]] = {kind.backend: kind for kind in (Mpi, Gloo, Nccl)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The processes of a run. Without a backend there is exactly one, on one node."""

    backend: Backend | None = None
    nodes: int = 1
    processes_per_node: int = 1
    master_address: str = LOOPBACK
    """The name or address of the first node, as every node reaches it."""
    master_port: int = MASTER_PORT

    @property
    def world_size(self) -> int:
        """How many processes there are on all nodes."""
        return self.nodes * self.processes_per_node

    @property
    def init_method(self) -> str:
        """The URL of the rendezvous for torch.distributed, e.g. `tcp://node-0:6105` or `tcp://[::1]:6105`."""
        host = f"[{self.master_address}]" if ":" in self.master_address else self.master_address
        return f"tcp://{host}:{self.master_port}"


def rank_environment(topology: Topology, rank: int, run: str) -> dict[str, str]:
    """The variables of the process of that rank; empty when the run is not distributed. `run` is the run's name.

    A lone process gets none, because Transformers and Accelerate take LOCAL_RANK as the sign of a launcher.
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
        **elastic(topology, rank, run),
        "AZ_BATCH_MASTER_NODE": f"{topology.master_address}:{topology.master_port}",
        "AZ_BATCHAI_MPI_MASTER_NODE": topology.master_address,
    }
    return found if topology.backend == "mpi" else {**found, **batch_ai(topology, rank)}


def elastic(topology: Topology, rank: int, run: str) -> dict[str, str]:
    """The names that torchrun adds, for one role whose processes are never started again.

    The agent of torchrun hosts the store at MASTER_PORT. Nobody does here, so rank 0 must, as without torchrun.
    """
    return {
        "GROUP_RANK": str(rank // topology.processes_per_node),
        "GROUP_WORLD_SIZE": str(topology.nodes),
        "ROLE_NAME": ROLE,
        "ROLE_RANK": str(rank),
        "ROLE_WORLD_SIZE": str(topology.world_size),
        "TORCHELASTIC_RUN_ID": run,
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_MAX_RESTARTS": "0",
        "TORCHELASTIC_USE_AGENT_STORE": str(False),
        "TORCHELASTIC_SIGNALS_TO_HANDLE": "SIGTERM,SIGINT",
        "TORCHELASTIC_ERROR_FILE": f"{ERRORS}/error-{rank}.json",
    }


def batch_ai(topology: Topology, rank: int) -> dict[str, str]:
    """The names that Gloo and NCCL jobs had. They had none for the world size: that is WORLD_SIZE."""
    return {
        "AZ_BATCHAI_PYTORCH_INIT_METHOD": topology.init_method,
        "AZ_BATCHAI_PYTORCH_BACKEND": str(topology.backend),
        "AZ_BATCHAI_TASK_INDEX": str(rank),
    }


def environments(topology: Topology, run: str) -> tuple[dict[str, str], ...]:
    """The variables of every rank, in the order of the ranks."""
    return tuple(rank_environment(topology, rank, run) for rank in range(topology.world_size))
