"""What the launcher in each container reads: which processes its node starts, and the environment of every rank."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.training.request.distribution import MPI_DEFAULTS, PLACEHOLDERS, Topology, environments
from builder.training.request.plan import CONTROL, RunPlan

SOURCE = Path(__file__).with_name("launch.py")
LAUNCH = f"{CONTROL}/{SOURCE.name}"
FILE = "launch.json"
DEFAULTS = {"PYTHONUNBUFFERED": "1"}
"""Output appears when it is written, not when a buffer is full."""
FIRST_HOST = "$LAUNCH_FIRST_HOST"
"""Stands for the first host of mpirun's hostfile, where only that file says what the nodes are called."""
SSH = "/training/ssh"
SSH_PORT = "2222"
SSHD = (
    *("/usr/sbin/sshd", "-De", "-p", SSH_PORT, "-f", "/dev/null"),
    *("-o", f"HostKey={SSH}/id_rsa", "-o", f"AuthorizedKeysFile={SSH}/authorized_keys"),
    *("-o", "StrictModes=no", "-o", "PidFile=none", "-o", "UsePAM=no", "-o", "PasswordAuthentication=no"),
    *("-o", "LogLevel=ERROR"),
)
"""An SSH server that needs no root; it admits the run's own key, and logs to the run's output."""
RSH = (
    f"-F /dev/null -i {SSH}/id_rsa -p {SSH_PORT} -o LogLevel=ERROR -o ConnectionAttempts=30"
    " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
)
"""The keys were made for this run, and the hosts live as long as it does: there is nobody to know beforehand."""


def node_name(node: int) -> str:
    """The host name of a node on the network of its run."""
    return f"node-{node}"


def node_command(node: int) -> tuple[str, ...]:
    """What a container of the run executes."""
    return ("python", LAUNCH, "node", str(node))


def numbered_by(variable: str) -> tuple[str, ...]:
    """What a container of the run executes, where its environment says which node it is."""
    return ("python", LAUNCH, "node-from", variable)


def defaults(plan: RunPlan) -> dict[str, str]:
    """The variables that every container gets unless the caller says otherwise."""
    return {**DEFAULTS, **(MPI_DEFAULTS if plan.topology.backend == "mpi" else {})}


def instructions(plan: RunPlan, hosts: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    """What the launcher reads; `hosts` are the nodes by name, unless something else tells mpirun where they are."""
    topology = plan.topology
    return {
        "command": plan.command,
        "placeholders": PLACEHOLDERS,
        "ranks": environments(topology),
        "processes_per_node": topology.processes_per_node,
        "prefixed": topology.world_size > 1,
        "starts": starts(topology, hosts) if topology.backend == "mpi" else None,
        "seconds": plan.limits.seconds,
        "grace": plan.limits.grace,
    }


def starts(topology: Topology, hosts: tuple[str, ...] | None) -> list[tuple[str, ...]]:
    """What each node starts under MPI: the first mpirun, the others a server that lets it in."""
    ranks = ("python", LAUNCH, "rank")
    if topology.nodes == 1:
        return [("mpirun", "-np", str(topology.world_size), *ranks)]
    slots = ",".join(f"{host}:{topology.processes_per_node}" for host in hosts or ())
    places = ("--host", slots) if hosts else ()
    first = ("mpirun", "-np", str(topology.world_size), *places, "--mca", "plm_rsh_args", RSH, *ranks)
    return [first, *(SSHD for _ in range(1, topology.nodes))]
