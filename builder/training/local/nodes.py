"""The containers of a run, one for each node, and their network: how they are, how they end, how they are removed."""

import contextlib
import datetime as dt
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.matrix.names import LABEL_HOST
from builder.training.request.distribution import Topology
from builder.training.request.plan import RunPlan

if TYPE_CHECKING:
    import docker

LABEL_RUN = "framework-images.run"
GOING_ON = ("created", "running", "restarting", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """The state of a container, as the engine reports it. Times are ISO 8601, to the nanosecond."""

    status: str
    exit_code: int
    started: str
    finished: str
    is_out_of_memory: bool = False
    error: str = ""
    failed_node: int | None = None
    """The first node that failed, in the combined state of several nodes."""

    @property
    def goes_on(self) -> bool:
        return self.status in GOING_ON

    @property
    def seconds(self) -> float:
        """How long a container ran that has ended."""
        return (dt.datetime.fromisoformat(self.finished) - dt.datetime.fromisoformat(self.started)).total_seconds()


def container_of(run: str, node: int = 0) -> str:
    """The name of a node's container, e.g. `framework-images-run-RUN-node-1`; the first has no `-node-0`."""
    return f"framework-images-run-{run}" + (f"-node-{node}" if node else "")


def state_of(client: "docker.DockerClient", run: str, topology: Topology) -> ContainerState | None:
    """The state of a run; None when one of its containers is gone."""
    found = [container_state(client, container_of(run, node)) for node in range(topology.nodes)]
    known = [one for one in found if one is not None]
    return combined(known, topology) if len(known) == len(found) else None


def container_state(client: "docker.DockerClient", container: str) -> ContainerState | None:
    """The state of one container; None when there is none of that name."""
    from docker.errors import NotFound

    try:
        found = client.api.inspect_container(container)["State"]
    except NotFound:
        return None
    return ContainerState(
        status=found["Status"],
        exit_code=int(found["ExitCode"]),
        started=found["StartedAt"],
        finished=found["FinishedAt"],
        is_out_of_memory=bool(found.get("OOMKilled")),
        error=str(found.get("Error") or ""),
    )


def combined(nodes: list[ContainerState], topology: Topology) -> ContainerState:
    """The states of all nodes as one.

    The run is over when all nodes are, when one has failed, or when mpirun on the first node has ended. Of several
    nodes that failed, the first one counts: the others often fail because of it.
    """
    first = nodes[0]
    if len(nodes) == 1:
        return first
    over = [(node, one) for node, one in enumerate(nodes) if not one.goes_on]
    failed = sorted(((node, one) for node, one in over if one.exit_code), key=lambda found: found[1].finished)
    done = not first.goes_on and (topology.backend == "mpi" or len(over) == len(nodes))
    started = min(one.started for one in nodes)
    if failed and not (done and topology.backend == "mpi" and not first.exit_code):
        node, state = failed[0]
        return replace(state, started=started, failed_node=node)
    return replace(first, started=started, status=first.status if done else "running")


def connect(client: "docker.DockerClient", run: str) -> str:
    """Make the private network of a run. Returns its name."""
    name = container_of(run)
    client.api.create_network(
        name, driver="bridge", labels={LABEL_RUN: run, LABEL_HOST: socket.gethostname()}, check_duplicate=True
    )
    return name


def stop(client: "docker.DockerClient", run: str, plan: RunPlan) -> None:
    """Stop all nodes at the same time: SIGTERM, and SIGKILL after the grace."""
    from docker.errors import NotFound

    def stop_one(node: int) -> None:
        with contextlib.suppress(NotFound):
            client.api.stop(container_of(run, node), timeout=plan.limits.grace + 5)

    with ThreadPoolExecutor(plan.nodes) as pool:
        list(pool.map(stop_one, range(plan.nodes)))


def kill(client: "docker.DockerClient", run: str, count: int) -> None:
    """Send SIGKILL to all nodes. A node that has ended is no error."""
    from docker.errors import APIError

    for node in range(count):
        with contextlib.suppress(APIError):
            client.api.kill(container_of(run, node))


def remove(client: "docker.DockerClient", run: str) -> None:
    """Remove the containers and the network of a run, as far as they exist."""
    from docker.errors import NotFound

    wanted: dict[str, str | list[str] | bool] = {"label": f"{LABEL_RUN}={run}"}
    for found in client.api.containers(all=True, filters=wanted):
        with contextlib.suppress(NotFound):
            client.api.remove_container(found["Id"], force=True, v=True)
    for network in client.api.networks(filters=wanted):
        with contextlib.suppress(NotFound):
            client.api.remove_network(network["Id"])
