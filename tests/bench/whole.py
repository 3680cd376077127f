"""A whole build of a row, checks and push included, beside `docker build` of the same Dockerfile.

cold: the wheels are downloaded, and neither side finds a layer or a step in a cache. warm: the wheels are layers, and
BuildKit has its steps; docker has all of its steps, so there only the time of ours tells. Docker checks nothing.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.many import docker_build
from tests.bench.measured import Measured, Side, run, seconds
from tests.bench.toys import CPU, GPU, PREFIX, bake_file, own_cache, site_file, untag
from tests.support import registries

NEW_GPU = "pytorch/2.13.0-gpu-debian12"
BUILD, PUSH = "python -m builder build", "python -m builder push"


def whole() -> Iterator[Measured]:
    yield from of(CPU, aim=0.35)


def large_whole() -> Iterator[Measured]:
    yield from of(NEW_GPU, aim=0.35)
    yield from of(GPU, aim=None)


def of(cell: str, *, aim: float | None) -> Iterator[Measured]:
    """Both ways, one after the other: built from nothing, built again, and pushed to a registry of this machine."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}-")))
        env, site = stack.enter_context(own_cache()), site_file(directory)
        rendered = run([sys.executable, "-m", "builder", "render", "--bake", f"--only={cell}", f"--site={site}"])
        file = stack.enter_context(bake_file(site, json.loads(rendered)))
        (target,) = json.loads(file.read_text("utf-8"))["target"].values()
        server = stack.enter_context(registries.registry(directory / "registry"))
        plain, repository = f"{server.host}/{PREFIX}:plain", f"{PREFIX}-whole"
        stack.callback(untag, repository, f"{server.host}/{PREFIX}")
        ours = [sys.executable, "-m", "builder", "build", f"--only={cell}", f"--site={site}"]
        ours += [f"--repository={repository}", f"--log-dir={directory / 'logs'}"]
        docker: list[Any] = [*docker_build(target), f"--tag={plain}"]
        run(docker)  # its downloads, and ours
        run(ours, env=env)
        untag(repository)
        theirs = seconds(lambda: run([*docker, "--no-cache"]))
        cold = seconds(lambda: run([*ours, "--no-cache"], env=env))
        untag(repository)
        warm = seconds(lambda: run(ours, env=env))
        push = [sys.executable, "-m", "builder", "push", *ours[4:6], f"--repository={repository}"]
        sent = seconds(lambda: run([*push, f"--registry={server.host}"], env=env))
        pushed = seconds(lambda: run(["docker", "push", "--quiet", plain]))
    peer = Side(command="docker build --no-cache", value=theirs)
    yield Measured(
        work=f"{cell} whole, wheels downloaded",
        ours=Side(command=f"{BUILD} --no-cache", value=cold),
        peer=peer,
        aim=aim,
    )
    yield Measured(work=f"{cell} whole, its layers made before", ours=Side(command=BUILD, value=warm), peer=peer)
    yield Measured(
        work=f"{cell} pushed to an empty registry",
        ours=Side(command=PUSH, value=sent),
        peer=Side(command="docker push", value=pushed),
    )
