"""Images of PyTorch built and pushed to a registry of this machine: what comes after the last RUN.

The same rendered Dockerfile twice, each time with a file of its own in every layer that is copied, so that all are packed
anew: as docker packs and pushes them, and as we do.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from builder.build import buildx_command
from builder.build.progress import documents
from builder.host import engine
from builder.publish import transfer
from builder.registry.connection import connected
from tests.bench.many import docker_build
from tests.bench.measured import ROOT, BenchError, Measured, Side, run, seconds
from tests.bench.toys import CPU, GPU, PREFIX, bake_file, site_file
from tests.support import registries

FINAL = "FROM base AS image\n"
COPIED = re.compile(r"(?<=^COPY --link --from=)\S+(?= /layer/ /$)", re.MULTILINE)


def publish() -> Iterator[Measured]:
    """Both images."""
    yield of(CPU)
    yield of(GPU)


def of(cell: str) -> Measured:
    """Seconds after the last RUN of both ways, one after the other, and those of the pushes alone."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}-")))
        site = site_file(directory)
        rendered = run([sys.executable, "-m", "builder", "render", "--bake", f"--only={cell}", f"--site={site}"])
        file = stack.enter_context(bake_file(site, json.loads(rendered)))
        (target,) = json.loads(file.read_text("utf-8"))["target"].values()
        packed, sent = plainly(anew(target, directory / "peer"), directory)
        made, pushed = ours(anew(target, directory / "own"), directory)
    return Measured(
        work=f"{cell} built and pushed, after the last RUN",
        note=f"ours {made:.1f} s to copy, pack and unpack, {pushed:.1f} s to push; docker {packed:.1f} and {sent:.1f} s",
        ours=Side(command="python -m builder build && python -m builder push, without checks", value=made + pushed),
        peer=Side(command="docker build && docker push", value=packed + sent),
        aim=0.35,
    )


def anew(target: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """The target with a copy of its context, in which every layer that is copied holds a file that no other has."""
    shutil.copytree(target["context"], directory)
    file = directory / "Dockerfile"
    stages, _, image = file.read_text("utf-8").partition(FINAL)
    token = f"RUN echo {secrets.token_hex(8)} > /layer/bench"
    again = [f"FROM {name} AS {name}-anew\n{token}\n\n" for name in sorted(set(COPIED.findall(image)))]
    file.write_text("".join([stages, *again, FINAL, COPIED.sub(r"\g<0>-anew", image)]), "utf-8")
    return {**target, "context": str(directory)}


def plainly(target: Mapping[str, Any], directory: Path) -> tuple[float, float]:
    """The seconds after the last RUN until docker has the image, and those of `docker push`."""
    with registries.registry(directory / "plain") as server:
        name = f"{server.host}/{PREFIX}:plain"
        packed, _ = after_the_last_run([*docker_build(target), f"--tag={name}"], directory)
        try:
            return packed, seconds(lambda: run(["docker", "push", "--quiet", name]))
        finally:
            run(["docker", "rmi", "--no-prune", name])


def ours(target: Mapping[str, Any], directory: Path) -> tuple[float, float]:
    """The same for us: the image that `build` makes, and the transfer that `push` does."""
    argv = [*docker_build(target), f"--output={buildx_command.OUTPUT}"]
    made, digest = after_the_last_run(argv, directory)
    with (
        registries.registry(directory / "ours") as server,
        connected(server.host) as link,
        engine.connected() as client,
    ):
        place = transfer.Place(connection=link, repository=PREFIX)
        try:
            return made, seconds(lambda: transfer.push(client, place, digest, transfer.Sent()))
        finally:
            client.api.remove_image(digest, noprune=True)


def after_the_last_run(argv: Sequence[str], directory: Path) -> tuple[float, str]:
    """The seconds from the end of the last RUN to that of the command, and the image's digest; raises BenchError."""
    metadata = directory / "metadata.json"
    command = [*argv, "--progress=rawjson", f"--metadata-file={metadata}"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, stderr=subprocess.PIPE, text=True, check=False)
    ended = time.time()
    if done.returncode:
        raise BenchError(f"{shlex.join(command)[:300]}\n{done.stderr[-1500:]}")
    said = (one for one in documents(done.stderr.splitlines()) if not isinstance(one, str))
    vertices = [one for document in said for one in document.get("vertexes") or ()]
    runs = [one["completed"] for one in vertices if "] RUN " in one["name"] and one.get("completed")]
    last = max(datetime.fromisoformat(text).timestamp() for text in runs)
    return ended - last, str(json.loads(metadata.read_text("utf-8"))["containerimage.digest"])
