"""Finds the buildx builder of a run, and brings its images to the engine.

An image of another BuildKit comes back as an OCI archive. In the containerd image store `docker load` keeps its
manifest byte for byte, so the digest that is verified is the digest that was built. The classic store keeps its
configuration byte for byte.
"""

import re
import time
from pathlib import Path

from builder.build import buildx_command, load_into_engine
from builder.errors import CancelledError, EngineError
from builder.host import engine, process
from builder.host.command import Command

SECONDS = 30.0
LOAD_SECONDS = 3600.0
"""Some GB are unpacked, on whatever disk."""
FIELD = re.compile(r"^(Name|Driver|Endpoint):[ \t]*(\S+)", re.MULTILINE)
LOADED = re.compile(r"^Loaded image(?: ID)?: *(\S+)", re.MULTILINE)


def assert_buildx() -> None:
    """Raise EngineError when docker has no buildx. Ask before a base is made: that takes a minute."""
    result = process.run(Command(argv=("docker", "buildx", "version")), timeout=SECONDS)
    if result.exit_code:
        raise EngineError(
            "docker has no buildx, and images are built with it",
            hint="apt-get install docker-buildx (in Docker's own repository: docker-buildx-plugin)",
        )


def find(name: str | None) -> buildx_command.Builder:
    """The builder of that name, or the one that buildx uses; raises EngineError when there is none."""
    result = process.run(
        Command(argv=("docker", "buildx", "inspect", "--", *([name] if name else []))), timeout=SECONDS
    )
    if result.exit_code:
        assert_buildx()
        said = (result.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("ERROR: ")
        raise EngineError(f"--builder: {said}", hint="docker buildx ls; docker buildx create")
    return of(dict(reversed(FIELD.findall(result.stdout))), current_context() if name else None)


def of(fields: dict[str, str], context: str | None) -> buildx_command.Builder:
    """The builder that `buildx inspect` describes; `context` names the engine that verifies, None when both are one.

    The engine of another context is a builder as well, and buildx wants it to be named as a context.
    """
    name = fields.get("Name", "")
    if fields.get("Driver") != "docker":
        return buildx_command.Builder(name=name, remote=True)
    if context in (None, name):
        return buildx_command.Builder()
    return buildx_command.Builder(context=name, remote=True)


def current_context() -> str:
    """The docker context in use; `default` when DOCKER_HOST names the engine."""
    return process.run(Command(argv=("docker", "context", "show")), timeout=SECONDS).stdout.strip()


def load(archive: Path, digest: str, running: process.Running) -> str:
    """Load an archive into the engine; returns the engine's name of the image, by its manifest or configuration.

    Raises EngineError unless the engine then has one of the two.
    """
    names = digest, load_into_engine.name_layers(archive, digest)
    command = Command(argv=("docker", "load", "--input", str(archive)))
    with process.started(command, running=running) as child:
        stdout, stderr = process.captured(child, time.monotonic() + LOAD_SECONDS)
        child.wait()
    if running.stopping.is_set():
        raise CancelledError("interrupted while an image was loaded")
    if child.returncode:
        raise EngineError(
            f"docker load: {(stderr.strip() or stdout.strip()).decode('utf-8', 'replace')}", hint=engine.DOCTOR
        )
    loaded = LOADED.findall(stdout.decode("utf-8", "replace"))
    found = next((one for one in names if one in loaded), None)
    if found is None:
        raise EngineError(
            f"the builder made {digest}, and the engine stored {', '.join(loaded) or 'nothing'}", hint=engine.DOCTOR
        )
    return found
