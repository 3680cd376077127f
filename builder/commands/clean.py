"""`clean`: removes what interrupted runs left, found by our own labels and names; it never prunes."""

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from builder import engine
from builder.bootstrap import cache_directory, leftovers, locked
from builder.names import LABEL_HOST, LABEL_OWNER, LABEL_ROW
from builder.options import Options
from builder.scratch import abandoned, is_alive

if TYPE_CHECKING:
    import docker

Removal = tuple[str, Callable[[], object]]


def run(options: Options) -> int:
    """Remove, or with --dry-run only name, what is ours and in nobody's use."""
    with engine.connected() as client:
        removals = [*containers(client), *(images(client) if options.remove_images else ())]
        if not options.dry_run:
            for _, remove in removals:
                remove()
    names = [name for name, _ in removals] + bases(dry_run=options.dry_run) + temporary(dry_run=options.dry_run)
    for name in names:
        print(name)
    print(f"{len(names)} {'would be removed' if options.dry_run else 'removed'}", file=sys.stderr)
    return 0


def containers(client: "docker.DockerClient") -> Iterator[Removal]:
    """The containers of this host whose process is gone."""
    here: dict[str, str | list[str] | bool] = {"label": [LABEL_OWNER, f"{LABEL_HOST}={socket.gethostname()}"]}
    for found in client.containers.list(all=True, ignore_removed=True, filters=here):
        if not is_alive(str(found.labels.get(LABEL_OWNER, ""))):
            yield f"container {found.name}", partial(found.remove, force=True, v=True)


def images(client: "docker.DockerClient") -> Iterator[Removal]:
    """Images that were built here, have no tag, and are in no container's use."""
    used = {found.attrs["ImageID"] for found in client.containers.list(all=True, ignore_removed=True, sparse=True)}
    for found in client.images.list(filters={"label": LABEL_ROW}):
        if not found.tags and found.id not in used:
            yield f"image {found.id}", partial(client.images.remove, str(found.id), noprune=True)


def bases(*, dry_run: bool) -> list[str]:
    """What killed bootstraps left in the cache; taking its lock removes them."""
    directory = cache_directory() / "bases"
    found = [f"directory {path}" for path in leftovers(directory)]
    if found and not dry_run:
        with locked(directory):
            return found
    return found


def temporary(*, dry_run: bool) -> list[str]:
    """What killed runs left in the temporary directory, their site's secrets among it."""
    found = abandoned()
    for directory in () if dry_run else found:
        shutil.rmtree(directory, ignore_errors=True)
    return [f"directory {path}" for path in found]
