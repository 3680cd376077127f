"""`clean`: removes what interrupted runs left, and superseded images and bases. It never prunes.

It finds its own things by label and by name, and touches nothing else.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import classic_store
from builder.build.bases import leftovers as half_bases
from builder.build.bases import locked
from builder.build.oci_layout import TEMPORARY
from builder.build.toolchain import superseded
from builder.commands.common.inputs import matrix_of
from builder.commands.flags.clean import CleanOptions
from builder.errors import InputError
from builder.host import engine, layer_cache, leftovers
from builder.host.cache import cache_directory
from builder.host.files import remove
from builder.host.leftovers import Removal
from builder.matrix.names import LABEL_ROW
from builder.training.records import record
from builder.training.request import snapshot

if TYPE_CHECKING:
    import docker


def run(options: CleanOptions) -> int:
    """Remove what is ours and unused on this host and its engine; `--dry-run` only names it. Returns 1 if any stays."""
    done = [take(one, dry_run=options.dry_run) for one in on_host(options)]
    with engine.connected() as client:
        removals = [*leftovers.containers(client), *leftovers.names(client)]
        removals += images(client) if options.remove_images else ()
        removals += loaded_bases(client) if options.remove_bases else ()
        done += [take(one, dry_run=options.dry_run) for one in removals]
    print(f"{sum(done)} {'would be removed' if options.dry_run else 'removed'}", file=sys.stderr)
    return int(not all(done))


def take(removal: Removal, *, dry_run: bool) -> bool:
    """Remove one thing and print its name; returns False, and says why, when it stays."""
    name, remove = removal
    try:
        if not dry_run:
            remove()
    except OSError as error:
        print(f"{name}: it stays: {error.strerror or error}", file=sys.stderr)
        return False
    print(name)
    return True


def on_host(options: CleanOptions) -> Iterator[Removal]:
    """What killed bootstraps and runs left, site secrets included; with `--bases` also superseded bases."""
    cache = cache_directory()
    for path in half_bases(cache / "bases"):
        yield f"directory {path}", partial(drop, path)
    yield from leftovers.directories()
    for path in half_snapshots():
        yield f"directory {path}", partial(shutil.rmtree, path, ignore_errors=True)
    if options.remove_bases:
        platforms = {spec.platform.name: spec.platform for spec in matrix_of(options).cells}.values()
        for path in superseded(platforms, cache):
            yield f"base {path} ({size(path) / 1e6:.0f} MB)", partial(drop, path)
    if options.remove_layers and (bytes_kept := layer_cache.size()):
        yield f"layers {layer_cache.root()} ({bytes_kept / 1e6:.0f} MB)", layer_cache.drop


def half_snapshots() -> list[Path]:
    """The incomplete snapshots of killed runs."""
    try:
        return snapshot.abandoned(record.root() / snapshot.STORE)
    except InputError:  # a user without a home has kept no run
        return []


def loaded_bases(client: "docker.DockerClient") -> Iterator[Removal]:
    """The bases that builds have loaded into an engine with the classic image store; a build loads its own again."""
    for found in client.api.images(classic_store.REPOSITORY):
        for name in found.get("RepoTags") or ():
            yield f"base {name}", partial(client.api.remove_image, name, noprune=True)


def images(client: "docker.DockerClient") -> Iterator[Removal]:
    """Our images without a tag that no container uses."""
    used = {found.attrs["ImageID"] for found in client.containers.list(all=True, ignore_removed=True, sparse=True)}
    for found in client.images.list(filters={"label": LABEL_ROW}):
        if not found.tags and found.id not in used:
            yield f"image {found.id}", partial(client.images.remove, str(found.id), noprune=True)


def drop(path: Path) -> None:
    """Remove a base, or the remains of one, while nobody makes a base. It is renamed first: a kill leaves no half."""
    with locked(path.parent):  # which removes what was left
        if os.path.lexists(path):
            path = path.rename(path.with_name(TEMPORARY + path.name))
            remove(path)


def size(path: Path) -> int:
    """The size of a directory or file in bytes."""
    return sum(one.lstat().st_size for one in (path, *path.rglob("*")) if not one.is_dir() or one.is_symlink())
