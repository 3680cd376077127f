"""The output of all nodes of a run as it comes; once the run is over, what still runs of it is ended."""

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.training.local import collect, nodes, stream
from builder.training.request.plan import RunPlan

if TYPE_CHECKING:
    import docker

WAITING = 64
"""Pieces of output that wait to be written before the nodes are made to wait."""


def output(client: "docker.DockerClient", run: str, plan: RunPlan) -> Iterator[stream.Chunk]:
    """What the nodes print; when one of several ends the run, the others are ended too."""
    if plan.nodes == 1:
        yield from stream.output(client, nodes.container_of(run), follow=True)
        return
    pieces: queue.Queue[stream.Chunk | None] = queue.Queue(WAITING)
    for node in range(plan.nodes):
        threading.Thread(target=read, args=(client, nodes.container_of(run, node), pieces), daemon=True).start()
    left, ending = plan.nodes, False
    while left:
        piece = pieces.get()
        if piece is not None:
            yield piece
            continue
        left -= 1
        if not ending and is_over(client, run, plan):
            ending = True
            threading.Thread(target=collect.end, args=(client, run, plan), daemon=True).start()


def read(client: "docker.DockerClient", container: str, pieces: "queue.Queue[stream.Chunk | None]") -> None:
    """Put what a container prints into the queue, and None at its end."""
    try:
        for piece in stream.output(client, container, follow=True):
            pieces.put(piece)
        client.api.wait(container)
    finally:
        pieces.put(None)


def is_over(client: "docker.DockerClient", run: str, plan: RunPlan) -> bool:
    """Whether the run has ended, even where nodes of it still run."""
    state = collect.state_of(client, run, plan.topology)
    return state is None or state["Status"] not in nodes.GOING_ON
