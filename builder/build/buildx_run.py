"""Builds one image with buildx: from its context and the site's inputs to a digest, or to an error one can act on."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from builder.build import buildx_command
from builder.build.progress import Watch, documents
from builder.errors import BuildError, EngineError
from builder.host import process
from builder.host.command import Command
from builder.host.temporary import scratch

OnStep = Callable[[Watch], None]
BUILDX_SECONDS = 30.0

CAUSES = (
    (
        r"code = Unavailable|error reading from server|Cannot connect to the Docker daemon|transport is closing",
        "the engine went away: python -m builder doctor, then build again",
    ),
    (
        r"cache export[^\n]* not supported|exporter[^\n]* not supported",
        (
            "this builder exports no cache: turn on its engine's containerd image store "
            '({"features": {"containerd-snapshotter": true}}), or name another --builder'
        ),
    ),
    (r"no space left on device", "the engine's disk is full: docker system df; python -m builder clean --images"),
    (
        r"digest mismatch|checksum mismatch",
        "a download is not the file the matrix pins: compare its sha256 with the publisher's",
    ),
    (r"DO NOT MATCH THE HASHES", "a package is not the file builder.lock pins: python -m builder lock --check"),
    (
        r"No matching distribution found|Could not find a version",
        "the index lacks the pinned file: put it into a find-links directory of the site",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate signed by unknown authority|certificate verify failed",
        "name the CA bundle of this network: ca-bundle in site.yaml",
    ),
    (
        r"failed to resolve source metadata|pull access denied|failed to do request",
        "the base cannot be pulled: bootstrap it, with `base: bootstrap` in site.yaml",
    ),
    (
        (
            r"Temporary failure resolving|Could not (resolve|connect)|no such host|Connection (timed out|failed)"
            r"|Network is unreachable|connection refused|Failed to fetch"
        ),
        "a source does not answer from inside the build: python -m builder doctor",
    ),
    (
        r"has no installation candidate|Version '.*' for '.*' was not found|Unable to locate package",
        "the mirror no longer has a pinned package: apt-cache policy on that release",
    ),
)


def assert_buildx() -> None:
    """Raise EngineError when the docker command cannot drive BuildKit: before a base is made for nothing."""
    result = process.run(Command(argv=("docker", "buildx", "version")), timeout=BUILDX_SECONDS)
    if result.exit_code:
        raise EngineError(
            "docker has no buildx, and images are built with it",
            hint="apt-get install docker-buildx (in Docker's own repository: docker-buildx-plugin)",
        )


def build(
    context: Path,
    wanted: buildx_command.Inputs,
    watch: Watch,
    running: process.Running,
    *,
    options: tuple[str, ...],
    on_step: OnStep,
    builder: buildx_command.Builder = buildx_command.OWN,
) -> str:
    """Build to an untagged image; returns its digest. Raises BuildError with the failing step and what to do."""
    with scratch() as directory:
        metadata = directory / "metadata.json"
        command = buildx_command.build(context, wanted, metadata=metadata, options=options, builder=builder)
        watch.write(f"+ {buildx_command.replay(context, wanted, options, builder)}")
        with process.started(command, running=running) as child:
            for document in documents(child.stderr or ()):
                if watch.feed(document):
                    on_step(watch)
            exit_code = child.wait()
        if exit_code:
            raise failure(watch)
        return str(json.loads(metadata.read_text("utf-8"))["containerimage.digest"])


def failure(watch: Watch) -> BuildError:
    """What failed, its last lines, the likely cause, the log and the command to repeat it."""
    said = "\n".join([*watch.tail, *watch.plain])
    lines = "\n".join(f"    {line}" for line in watch.tail)
    cause = next((hint for pattern, hint in CAUSES if re.search(pattern, said, re.IGNORECASE)), None)
    log = getattr(watch.log, "name", "the log")
    what = f"{watch.name}: the build failed after {watch.elapsed:.0f} s at: {watch.failed_step or watch.step}"
    return BuildError(f"{what}\n{lines}\n  log: {log}\n  replay: {watch.replay}", hint=cause or f"read {log}")
