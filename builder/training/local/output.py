"""The output of a run: of each container from its first byte to its last, and of all nodes as it comes.

The readers of the Docker SDK take one small frame at a time and give up after a timeout. A training may be silent for
hours, or print a gigabyte.
The format: https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach.
"""

import queue
import struct
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.training.local import nodes
from builder.training.request.plan import RunPlan

if TYPE_CHECKING:
    import docker

HEADER = struct.Struct(">BxxxL")
STDERR = 2
TERMINAL = "application/vnd.docker.raw-stream"
"""What the output of a container with a terminal is called. It has no frames, because a terminal has one stream."""
WAITING = 64
"""Pieces of output that may wait to be written. When there are more, the nodes wait."""
Chunk = tuple[bool, bytes]
"""Whether it comes from stderr, and the bytes."""


def of_run(client: "docker.DockerClient", run: str, plan: RunPlan) -> Iterator[Chunk]:
    """What all nodes print, as it comes. When one node ends the run, the others are stopped."""
    if plan.nodes == 1:
        yield from of_container(client, nodes.container_of(run), follow=True)
        return
    pieces: queue.Queue[Chunk | None] = queue.Queue(WAITING)
    for node in range(plan.nodes):
        arguments = (pieces, client, nodes.container_of(run, node))
        threading.Thread(target=read_into, args=arguments, daemon=True).start()
    left, is_stopping = plan.nodes, False
    while left:
        piece = pieces.get()
        if piece is not None:
            yield piece
            continue
        left -= 1
        if not is_stopping and is_over(client, run, plan):
            is_stopping = True
            threading.Thread(target=nodes.stop, args=(client, run, plan), daemon=True).start()


def watched(client: "docker.DockerClient", run: str, count: int) -> Iterator[Chunk]:
    """What that many nodes print, as it comes, until all have ended. Nothing is stopped.

    A node whose container is gone prints nothing: whoever follows the run has collected it.
    """
    from requests.exceptions import RequestException

    pieces: queue.Queue[Chunk | None] = queue.Queue(WAITING)

    def read(node: int) -> None:
        try:
            for piece in of_container(client, nodes.container_of(run, node), follow=True):
                pieces.put(piece)
        except RequestException:
            pass
        finally:
            pieces.put(None)

    for node in range(count):
        threading.Thread(target=read, args=(node,), daemon=True).start()
    left = count
    while left:
        if piece := pieces.get():
            yield piece
        else:
            left -= 1


def read_into(pieces: "queue.Queue[Chunk | None]", client: "docker.DockerClient", container: str) -> None:
    """Put what a container prints into the queue, and None at its end."""
    try:
        for piece in of_container(client, container, follow=True):
            pieces.put(piece)
        client.api.wait(container)
    finally:
        pieces.put(None)


def is_over(client: "docker.DockerClient", run: str, plan: RunPlan) -> bool:
    """Whether the run has ended, even while some of its nodes still run."""
    state = nodes.state_of(client, run, plan.topology)
    return state is None or not state.goes_on


def of_container(client: "docker.DockerClient", container: str, *, follow: bool) -> Iterator[Chunk]:
    """What a container has printed. With `follow`, also what it prints from now until its end."""
    url = f"{client.api.base_url}/v{client.api.api_version}/containers/{container}/logs"
    wanted = {"stdout": "1", "stderr": "1", "follow": "1" if follow else "0"}
    response = client.api.get(url, params=wanted, stream=True, timeout=None if follow else 120)
    with response:
        response.raise_for_status()
        pieces = response.iter_content(chunk_size=None)
        if response.headers.get("Content-Type") == TERMINAL:
            yield from ((False, piece) for piece in pieces)
        else:
            yield from split(pieces)


def split(pieces: Iterator[bytes]) -> Iterator[Chunk]:
    """The frames in pieces of any size. Neighbours of one stream are joined."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        used, found = frames(rest)
        del rest[:used]
        yield from found


def frames(data: bytearray) -> tuple[int, list[Chunk]]:
    """How many bytes the whole frames take, and what is in them."""
    found: list[Chunk] = []
    view, place, end = bytes(data), 0, len(data)
    is_error, parts = False, list[bytes]()
    while end - place >= HEADER.size:
        number, length = HEADER.unpack_from(view, place)
        if end - place - HEADER.size < length:
            break
        start = place + HEADER.size
        if parts and is_error is not (number == STDERR):
            found.append((is_error, b"".join(parts)))
            parts = []
        is_error = number == STDERR
        place = start + length
        parts.append(view[start:place])
    if parts:
        found.append((is_error, b"".join(parts)))
    return place, found
