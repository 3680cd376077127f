"""What the launcher in each container reads: which processes its node starts, and the environment of every rank."""

import json
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.training.request.distribution import MPI_DEFAULTS, PLACEHOLDERS, TORCH_DEFAULTS, Topology, environments
from builder.training.request.plan import CONTROL, RunPlan

SOURCE = Path(__file__).with_name("launch.py")
LAUNCH = f"{CONTROL}/{SOURCE.name}"
FILE = "launch.json"
TIMED_OUT = 124
"""The exit code of the launcher at the limit of time."""
STOPPED = 128 + signal.SIGTERM
"""The exit code of the launcher when it is stopped."""
DEFAULTS = {"PYTHONUNBUFFERED": "1"}
"""Output appears when it is written, not when a buffer is full."""
FIRST_HOST = "$LAUNCH_FIRST_HOST"
"""Stands for the first host of mpirun's hostfile. On a cluster only that file names the nodes."""
SSH = "/training/ssh"
SSH_PORT = "2222"
SSHD = (
    *("/usr/sbin/sshd", "-De", "-p", SSH_PORT, "-f", "/dev/null"),
    *("-o", f"HostKey={SSH}/id_rsa", "-o", f"AuthorizedKeysFile={SSH}/authorized_keys"),
    *("-o", "StrictModes=no", "-o", "PidFile=none", "-o", "UsePAM=no", "-o", "PasswordAuthentication=no"),
    *("-o", "LogLevel=ERROR"),
)
"""An SSH server that needs no root. It admits the key of the run, and logs to the output of the run."""
RSH = (
    f"-F /dev/null -i {SSH}/id_rsa -p {SSH_PORT} -o LogLevel=ERROR -o ConnectionAttempts=30"
    " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
)
"""How mpirun reaches the other nodes. Keys and hosts live as long as the run, so no host is known beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """The content of `launch.json`."""

    command: tuple[str, ...]
    placeholders: tuple[str, ...]
    """Arguments that are exactly one of these become the variable's value."""
    ranks: tuple[Mapping[str, str], ...]
    """The variables of each rank."""
    processes_per_node: int
    prefixed: bool
    """Whether each line of output begins with its rank."""
    starts: tuple[tuple[str, ...], ...] | None
    """What each node starts under MPI; None without MPI."""
    seconds: int | None
    grace: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def of_plan(plan: RunPlan, run: str, hosts: tuple[str, ...] = ()) -> Instructions:
    """What the launcher of that run reads. `hosts` are the names of the nodes; without them mpirun has a hostfile."""
    topology = plan.topology
    return Instructions(
        command=plan.command,
        placeholders=PLACEHOLDERS,
        ranks=environments(topology, run),
        processes_per_node=topology.processes_per_node,
        prefixed=topology.world_size > 1,
        starts=starts(topology, hosts) if topology.backend == "mpi" else None,
        seconds=plan.limits.seconds,
        grace=plan.limits.grace,
    )


def starts(topology: Topology, hosts: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """What each node starts under MPI: the first node mpirun, the others an SSH server."""
    ranks = ("python", LAUNCH, "rank")
    count = str(topology.world_size)
    if topology.nodes == 1:
        return (("mpirun", "-np", count, *ranks),)
    slots = ",".join(f"{host}:{topology.processes_per_node}" for host in hosts)
    places = ("--host", slots) if hosts else ()
    first = ("mpirun", "-np", count, *places, "--mca", "plm_rsh_args", RSH, *ranks)
    return (first, *(SSHD for _ in range(1, topology.nodes)))


def node_name(node: int) -> str:
    """The host name of a node on the network of its run, e.g. `node-0`."""
    return f"node-{node}"


def node_command(node: int) -> tuple[str, ...]:
    """What the container of that node executes."""
    return ("python", LAUNCH, "node", str(node))


def numbered_by(variable: str) -> tuple[str, ...]:
    """What a container executes, where a variable like `RANK` has the number of its node."""
    return ("python", LAUNCH, "node-from", variable)


def defaults(plan: RunPlan) -> dict[str, str]:
    """The variables that every container gets unless the caller sets them."""
    backend = plan.topology.backend
    return {**DEFAULTS, **(TORCH_DEFAULTS if backend else {}), **(MPI_DEFAULTS if backend == "mpi" else {})}
