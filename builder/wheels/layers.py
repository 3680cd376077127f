"""Locked wheels as layers: made once on this host for each Python, and then in the cache by what they are made from."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from builder.host import layer_cache
from builder.host.layer_cache import PackedLayer
from builder.host.temporary import scratch
from builder.wheels import FORMAT, Compression
from builder.wheels.blob import LEVELS, Blob, Tar, pack
from builder.wheels.compile_sources import Stopped, byte_code
from builder.wheels.interpreter import Interpreter, interpreter
from builder.wheels.layering import Layering
from builder.wheels.scripts import USUAL
from builder.wheels.tree import Compiled, Tree
from builder.wheels.unpack import placed, unpack

if TYPE_CHECKING:
    import docker

Files = Mapping[str, Path]
"""The file of each wheel, by the name of its distribution."""
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The layers of a row: how its wheels are laid out, and where they are."""

    layerings: Sequence[Layering]
    files: Files
    compression: Compression = "zstd"
    script: str = USUAL
    """The text of scripts."""


def never() -> bool:
    return False


def layers(
    client: "docker.DockerClient",
    digest: str,
    wanted: Wanted,
    *,
    step: Step,
    stopped: Stopped = never,
    anew: bool = False,
    apart: str = "",
) -> list[PackedLayer]:
    """The layers for the environment of an image, from the lowest; `anew` makes those that are in the cache too.

    `apart` keeps them from every image but those that have the same text there, as the byte code comes from a Python
    that may lie. Raises InputError for a damaged wheel, EngineError and CancelledError.
    """
    found = interpreter(client, digest)
    keys = {one: key(one, wanted, found, apart) for one in wanted.layerings}
    known = {} if anew else cached(keys)
    if missing := {one: keys[one] for one in wanted.layerings if one not in known}:
        with layer_cache.written(*missing.values()):
            # Another builder may have made them meanwhile.
            known |= {} if anew else cached(missing)
            left = [one for one in missing if one not in known]
            if left:
                step(f"making {len(left)} layers of wheels")
                known |= made(client, digest, left, keys, wanted, found, stopped)
    return [layer for one in wanted.layerings for layer in known[one]]


def cached(keys: Mapping[Layering, str]) -> dict[Layering, tuple[PackedLayer, ...]]:
    """The layers that are in the cache."""
    found = {one: layer_cache.remembered(key) for one, key in keys.items()}
    return {one: layers for one, layers in found.items() if layers is not None}


def key(layering: Layering, wanted: Wanted, found: Interpreter, apart: str) -> str:
    """A hash over all that decides the bytes of a layering's layers."""
    wheels = [[one.name, one.key] for one in layering.wheels]
    packing = [FORMAT, wanted.compression, LEVELS[wanted.compression], layering.part_bytes]
    decides = [*packing, found.key, wanted.script, apart, wheels]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


def made(
    client: "docker.DockerClient",
    digest: str,
    left: Sequence[Layering],
    keys: Mapping[Layering, str],
    wanted: Wanted,
    found: Interpreter,
    stopped: Stopped,
) -> dict[Layering, tuple[PackedLayer, ...]]:
    """Makes these layers on every core, and remembers them."""
    wheels = [[(wheel.name, wanted.files[wheel.name]) for wheel in one.wheels] for one in left]
    with scratch() as directory:
        code = dict(zip(left, byte_code(client, digest, found, wheels, directory, stopped), strict=True))

        def one(layering: Layering) -> tuple[PackedLayer, ...]:
            packed = packed_layers(layering, wanted, found, code[layering].of)
            layer_cache.remember(keys[layering], packed)
            for layer in packed:
                layer_cache.remember(layer.diff, (layer,))
            return packed

        largest = sorted(left, key=lambda layering: -sum(wheel.size for wheel in layering.wheels))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            done = dict(zip(largest, threads.map(one, largest), strict=True))
    layer_cache.trim()
    return done


def packed_layers(
    layering: Layering, wanted: Wanted, found: Interpreter, compiled: Compiled
) -> tuple[PackedLayer, ...]:
    """Writes the layers into the cache, each under its digest."""
    parts = parts_of(layering, wanted.files, found)
    count = max(parts.values(), default=0) + 1

    def fill(tars: Sequence[Tar]) -> None:
        tree = Tree(tars=tars, interpreter=found, part=lambda path: parts.get(path, 0), compiled=compiled)
        for wheel in layering.wheels:
            unpack(wanted.files[wheel.name], wheel.name, tree, wanted.script)

    with layer_cache.new_blobs() as directory:
        blobs = pack([directory / str(number) for number in range(count)], fill, wanted.compression)
        return tuple(stored(blob, layering.title, number, count) for number, blob in enumerate(blobs, 1))


def stored(blob: Blob, title: str, number: int, count: int) -> PackedLayer:
    """Gives a blob its name in the cache."""
    named = f"{title} ({number} of {count})" if count > 1 else title
    return layer_cache.stored(blob.path, replace(blob.layer, title=named))


def parts_of(layering: Layering, files: Files, found: Interpreter) -> dict[str, int]:
    """The number of the part for each file of a wheel that is cut, by its path in the image; empty for one part."""
    if layering.parts == 1:
        return {}
    wheel = layering.wheels[0]
    tree = Tree(tars=(), interpreter=found)
    with ZipFile(files[wheel.name]) as archive:
        sizes = {one.filename: one.compress_size for one in archive.infolist()}
    paths = sorted((path, sizes[file]) for file, path in placed(files[wheel.name], wheel.name, tree))
    return cut(paths, layering.part_bytes)


def cut(paths: Sequence[tuple[str, int]], part_bytes: int) -> dict[str, int]:
    """The number of the part for each path: those above half a part alone, the others together until one is full."""
    found, used = dict[str, int](), [0]
    for path, size in paths:
        if size > part_bytes // 2:
            used.append(part_bytes)
            found[path] = len(used) - 1
            continue
        fits = next((number for number, full in enumerate(used) if full + size <= part_bytes), len(used))
        used += [0] if fits == len(used) else []
        used[fits] += size
        found[path] = fits
    return found
