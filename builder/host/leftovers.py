"""What processes of this host left that were killed: directories with secrets, containers, names of images.

A process is known by its host, its number and its name space: a builder in a container has numbers of its own.
"""

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from builder.host.temporary import abandoned, is_alive, is_left, name_space
from builder.matrix.names import LABEL_HOST, LABEL_OWNER

if TYPE_CHECKING:
    import docker

Removal = tuple[str, Callable[[], object]]
"""What it is, for people, and the call that removes it."""
NAME = re.compile(r"framework-images-([0-9]{1,10})-[0-9a-f]{8}")
"""The name of a container of ours. Labels do not suffice: a container inherits those of its image."""


def directories() -> Iterator[Removal]:
    """The temporary directories of processes that are gone; some hold the site's passwords."""
    for path in abandoned():
        yield f"directory {path}", partial(shutil.rmtree, path, ignore_errors=True)


def containers(client: "docker.DockerClient") -> Iterator[Removal]:
    """The containers of this host whose process is gone."""
    here: dict[str, str | list[str] | bool] = {"label": [LABEL_OWNER, f"{LABEL_HOST}={host()}"]}
    for found in client.containers.list(all=True, ignore_removed=True, filters=here):
        name = NAME.fullmatch(str(found.name))
        if name and name[1] == found.labels.get(LABEL_OWNER) and not is_alive(name[1]):
            yield f"container {found.name}", partial(found.remove, force=True, v=True)


def names(client: "docker.DockerClient") -> Iterator[Removal]:
    """The temporary tags of processes that are gone. The images stay."""
    for found in client.api.images():
        for name in filter(is_left, found.get("RepoTags") or ()):
            yield f"tag {name}", partial(client.api.remove_image, name, noprune=True)


def host() -> str:
    """The name of this host in the labels of our containers: with the name space of its processes."""
    return f"{socket.gethostname()} {name_space()}"


def sweep(client: "docker.DockerClient", say: Callable[[str], None]) -> None:
    """Remove all that killed processes left, secrets first, and say it. What cannot be removed stays for `clean`."""
    from docker.errors import DockerException

    for found in (directories, partial(containers, client), partial(names, client)):
        with suppress(DockerException, OSError):
            for name, remove in found():
                remove()
                say(f"{name}: removed; a killed run had left it")
