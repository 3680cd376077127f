"""One late pin bumped in twelve images, built, verified and pushed, beside bake and push of one-RUN Dockerfiles.

Both sides have every distribution in pip's cache, and push to a registry of this machine that has the images of before.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import onerun
from tests.bench.measured import Measured, Side, run, seconds
from tests.bench.toys import PREFIX, Pins, bake, bake_file, baked, built, change, good, toy, untag
from tests.support import registries
from tests.support.project import Project
from tests.support.registries import Server

GRPCIO = ("1.60.0", "1.62.0", "1.63.0", "1.64.0", "1.66.0", "1.67.0", "1.68.0", "1.69.0", "1.70.0", "1.71.0", "1.73.0")
CORE = (*GRPCIO, "1.74.0")
"""Of grpcio: another in each image, as torch is."""
BEFORE, AFTER = "11.2.1", "11.3.0"
"""Of pillow: the same in all."""


def pins(pillow: str, core: tuple[str, ...] = CORE) -> Pins:
    return {f"{number}.0.0": {"grpcio": one, "pillow": pillow, "tqdm": "4.65.0"} for number, one in enumerate(core, 1)}


def bump(core: tuple[str, ...] = CORE) -> Iterator[Measured]:
    """Seconds and bytes of both, and our bytes beside the wheel's."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}-")))
        ours, theirs = (stack.enter_context(registries.registry(directory / name)) for name in ("ours", "peer"))
        wanted = pins(BEFORE, core)
        project = stack.enter_context(toy(tuple(wanted), pins=wanted, core="grpcio"))
        stack.callback(
            untag,
            *[f"{theirs.host}/{project.framework}-{number}_0_0-cpu-debian12" for number in range(1, len(core) + 1)],
        )
        mine(project, ours)
        peers(project, theirs)
        bumped(project, pins(AFTER, core))
        before = stored(ours), stored(theirs)
        taken = seconds(lambda: mine(project, ours)), seconds(lambda: peers(project, theirs))
        sent = [(stored(one) - was) / 1e6 for one, was in zip((ours, theirs), before, strict=True)]
        wheel = wheel_size(directory)
    command, peer = (
        "python -m builder build --all && python -m builder push --all",
        "docker buildx bake --push, one RUN each",
    )
    work = f"a late pin bumped, {len(core)} images"
    sides = [Side(command=command, value=value, unit=unit) for value, unit in ((taken[0], "s"), (sent[0], "MB"))]
    yield Measured(
        work=f"{work}: built and pushed",
        note="ours verified",
        ours=sides[0],
        peer=Side(command=peer, value=taken[1]),
        aim=0.3,
    )
    yield Measured(
        work=f"{work}: bytes pushed", ours=sides[1], peer=Side(command=peer, value=sent[1], unit="MB"), aim=0.3
    )
    changed = Side(command="the wheel of the changed package", value=wheel, unit="MB")
    yield Measured(work=f"{work}: bytes pushed beside the changed package", ours=sides[1], peer=changed, aim=1.1)


def mine(project: Project, server: Server) -> None:
    built(project)
    flags = ("--all", f"--site={project.site}", f"--repository={project.repository}", f"--registry={server.host}")
    good(project.run("push", *flags))


def peers(project: Project, server: Server) -> None:
    """Bake the same rows with one RUN each, and push them."""
    document: dict[str, Any] = baked(project)
    output = {name: [f"type=image,name={server.host}/{name},push=true"] for name in document["target"]}
    with bake_file(project.site, onerun.written(document, project.root, output), project.root) as file:
        bake(file)


def bumped(project: Project, wanted: Pins) -> None:
    change(project, wanted, "grpcio")
    good(project.run("lock", f"--site={project.site}"))
    project.render()


def stored(server: Server) -> int:
    """The bytes of all blobs of a registry."""
    return sum(path.stat().st_size for path in server.storage.glob("docker/registry/v2/blobs/**/data"))


def wheel_size(directory: Path) -> float:
    run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={directory}", f"pillow=={AFTER}"])
    return sum(path.stat().st_size for path in directory.glob("*.whl")) / 1e6
