"""What `derive` takes beside a plain Dockerfile.

Both in one run, on the same engine, with the same packages, the base local. cold: nothing was ever downloaded or asked.
warm: the packages were downloaded before, for the Dockerfile into a cache mount, and the image has to be made.
again: nothing has changed. `derive` verifies what it makes, a Dockerfile does not: its time is given with and without.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from builder.build.site_inputs import secrets
from builder.host.site_discovery import load_site
from tests.bench.measured import ROOT, BenchError, Measured, Side
from tests.bench.toys import CPU, real

PACKAGES = ("pandas", "scikit-learn", "matplotlib", "torchmetrics")
OURS = "python -m builder derive --from 2.13-cpu --pip-requirements-file F"
PEER = "docker build: FROM image, RUN pip install -r"
WORK = f"{len(PACKAGES)} packages added to 2.13 CPU"
NAME = "framework-images-bench-derive"
CACHE = "--mount=type=cache,target=/var/cache/pip,id=framework-images-bench-{number} "
DOCKERFILE = """FROM {image}
USER root
COPY requirements.txt /tmp/requirements.txt
RUN {mount}--mount=type=secret,id=pip_conf,target=/etc/pip.conf \\
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \\
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt {cache} pip install -r /tmp/requirements.txt
USER 1000:1000
"""


def timed(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[float, str]:
    """The seconds that a command takes, and what it prints; raises BenchError when it fails."""
    began = time.monotonic()
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}, cwd=ROOT
    )
    if done.returncode:
        raise BenchError(f"{' '.join(argv)}\n{done.stderr[-3000:]}")
    return time.monotonic() - began, done.stdout


def plain(directory: Path, image: str, files: Mapping[str, Path], *, cached: bool, again: bool = False) -> float:
    """The seconds of `docker build`; with `cached` pip keeps its downloads from one build to the next."""
    mount = CACHE.format(number=os.getpid()) if cached else ""
    cache = "PIP_CACHE_DIR=/var/cache/pip" if cached else "PIP_NO_CACHE_DIR=1"
    (directory / "Dockerfile").write_text(DOCKERFILE.format(image=image, mount=mount, cache=cache), "utf-8")
    options = [f"--secret=id={name},src={path}" for name, path in files.items()]
    options += [] if again else ["--no-cache"]
    return timed(["docker", "buildx", "build", "--provenance=false", f"--tag={NAME}:plain", *options, str(directory)])[
        0
    ]


def derived(directory: Path, image: str) -> tuple[float, float]:
    """The seconds of `derive`, with and without those of its checks."""
    argv = [sys.executable, "-m", "builder", "derive", "--from", image, f"--name={NAME}", "--format=json"]
    argv += ["--pip-requirements-file", str(directory / "requirements.txt"), f"--log-dir={directory / 'logs'}"]
    total, said = timed(argv, {"XDG_CACHE_HOME": str(directory / "cache")})
    return total, total - json.loads(said)["images"][0]["seconds"].get("verify", 0.0)


def forget() -> None:
    """Remove the tags of this benchmark."""
    listed = timed(["docker", "images", "--format={{.Repository}}:{{.Tag}}", NAME])[1].split()
    for name in listed:
        timed(["docker", "rmi", "--no-prune", name])


def derive() -> Iterator[Measured]:
    """Both, cold, warm and when nothing has changed."""
    with real(CPU) as images, tempfile.TemporaryDirectory() as name, secrets(load_site(images.site)) as files:
        image = str(images.build()[0]["tags"][0])
        directory = Path(name)
        (directory / "requirements.txt").write_text("\n".join(PACKAGES) + "\n", "utf-8")
        try:
            yield from lines("cold", plain(directory, image, files, cached=False), derived(directory, image))
            forget()
            plain(directory, image, files, cached=True)
            yield from lines("warm", plain(directory, image, files, cached=True), derived(directory, image))
            again = plain(directory, image, files, cached=True, again=True)
            yield unchanged(again, derived(directory, image)[0])
        finally:
            forget()


def lines(name: str, plainly: float, ours: tuple[float, float]) -> Iterator[Measured]:
    """The lines of the table: without our checks, as the peer has none, and with them."""
    peer = Side(command=PEER, value=plainly)
    yield Measured(work=f"{WORK}, {name}", ours=Side(command=OURS, value=ours[1]), peer=peer, aim=0.4)
    yield Measured(work=f"{WORK}, {name}, ours checked", ours=Side(command=OURS, value=ours[0]), peer=peer)


def unchanged(plainly: float, ours: float) -> Measured:
    """A second run, which asks nobody but the engine: about a second is promised, and no ratio."""
    return Measured(
        work=f"{WORK}, nothing changed", ours=Side(command=OURS, value=ours), peer=Side(command=PEER, value=plainly)
    )
