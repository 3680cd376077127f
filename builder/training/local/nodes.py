"""The containers of a run, one a node, and the network between them: found by name, judged and removed together."""

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from builder.training.request.distribution import Topology

if TYPE_CHECKING:
    import docker

LABEL_RUN = "framework-images.run"
State = Mapping[str, Any]
GOING_ON = ("created", "running", "restarting", "paused")


def container_of(run: str, node: int = 0) -> str:
    """The name of a node's container; the first is called as the run."""
    return f"framework-images-run-{run}" + (f"-node-{node}" if node else "")


def states(client: "docker.DockerClient", run: str, topology: Topology) -> list[State | None]:
    """The state of each node's container; None where there is none."""
    return [state(client, container_of(run, node)) for node in range(topology.nodes)]


def state(client: "docker.DockerClient", container: str) -> State | None:
    from docker.errors import NotFound

    try:
        return dict(client.api.inspect_container(container)["State"])
    except NotFound:
        return None


def together(found: list[State | None], topology: Topology) -> State | None:
    """The nodes as one state: over when all are, when one failed, or when mpirun is; None when a container is gone.

    Of several that failed the first counts: the others often fail because it did.
    """
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None
    if len(known) == 1:
        return known[0]
    over = [(one["FinishedAt"], node, one) for node, one in enumerate(known) if one["Status"] not in GOING_ON]
    failed = [one for one in sorted(over, key=lambda one: one[:2]) if one[2]["ExitCode"]]
    done = known[0]["Status"] not in GOING_ON and (topology.backend == "mpi" or len(over) == len(known))
    started = min(one["StartedAt"] for one in known)
    if done and topology.backend == "mpi" and not known[0]["ExitCode"]:
        return {**known[0], "StartedAt": started}
    if failed:
        _, node, first = failed[0]
        return {**first, "StartedAt": started, "Node": node}
    return {**known[0], "StartedAt": started, "Status": known[0]["Status"] if done else "running"}


def remove(client: "docker.DockerClient", run: str) -> None:
    """Remove the run's containers and its network, whatever of them is there."""
    from docker.errors import NotFound

    wanted: dict[str, str | list[str] | bool] = {"label": f"{LABEL_RUN}={run}"}
    for found in client.api.containers(all=True, filters=wanted):
        with contextlib.suppress(NotFound):
            client.api.remove_container(found["Id"], force=True, v=True)
    for network in client.api.networks(filters=wanted):
        with contextlib.suppress(NotFound):
            client.api.remove_network(network["Id"])


def connect(client: "docker.DockerClient", run: str) -> str:
    """Make the private network of a run; returns its name."""
    name = container_of(run)
    client.api.create_network(name, driver="bridge", labels={LABEL_RUN: run}, check_duplicate=True)
    return name
