"""The output of a container, from its first byte to its last, split into the two streams as the script wrote them.

The SDK's own readers take one small frame at a time and give up after their timeout; a training may be silent for
hours, or write a gigabyte. The format: https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach.
"""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

HEADER = struct.Struct(">BxxxL")
STDERR = 2
Chunk = tuple[bool, bytes]
"""Whether it is of stderr, and what was written."""


def output(client: "docker.DockerClient", container: str, *, follow: bool) -> Iterator[Chunk]:
    """What a container has written, and with `follow` what it goes on to write until it ends."""
    url = f"{client.api.base_url}/v{client.api.api_version}/containers/{container}/logs"
    wanted = {"stdout": "1", "stderr": "1", "follow": "1" if follow else "0"}
    response = client.api.get(url, params=wanted, stream=True, timeout=None if follow else 120)
    with response:
        response.raise_for_status()
        yield from split(response.iter_content(chunk_size=None))


def split(pieces: Iterator[bytes]) -> Iterator[Chunk]:
    """The frames in pieces of any size; neighbours of one stream are joined."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        used, found = frames(rest)
        del rest[:used]
        yield from found


def frames(data: bytearray) -> tuple[int, list[Chunk]]:
    """How many bytes whole frames take, and what they say."""
    found: list[Chunk] = []
    view, place, end = bytes(data), 0, len(data)
    kind, parts = False, list[bytes]()
    while end - place >= HEADER.size:
        number, length = HEADER.unpack_from(view, place)
        if end - place - HEADER.size < length:
            break
        start = place + HEADER.size
        if parts and kind is not (number == STDERR):
            found.append((kind, b"".join(parts)))
            parts = []
        kind = number == STDERR
        place = start + length
        parts.append(view[start:place])
    if parts:
        found.append((kind, b"".join(parts)))
    return place, found
