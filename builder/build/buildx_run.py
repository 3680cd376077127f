"""Builds one image with buildx: from its context and the site's inputs to a digest, or to an error one can act on."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import (
    buildx_builders,
    buildx_command,
    cache_flags,
    classic_store,
    engine_layout,
    engine_manifest,
    row_wheels,
    site_inputs,
    wheel_image,
)
from builder.build.job import Job
from builder.build.progress import Display, Watch, documents
from builder.build.settings import Settings
from builder.errors import BuildError
from builder.host import engine, process
from builder.host.command import Command
from builder.host.site import Site
from builder.host.temporary import passing, scratch
from builder.matrix.names import cell
from builder.wheels import layers

if TYPE_CHECKING:
    import docker

OnStep = Callable[[Watch], None]

CAUSES = (
    (
        r"code = Unavailable|error reading from server|Cannot connect to the Docker daemon|transport is closing",
        "the engine went away: python -m builder doctor, then build again",
    ),
    (
        r"cache export[^\n]* not supported|exporter[^\n]* not supported",
        (
            "this builder exports no cache and no layout: turn on its engine's containerd image store "
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
        # pip says this before it says that no distribution was found.
        r"CERTIFICATE_VERIFY_FAILED|certificate signed by unknown authority|certificate verif\w+ failed",
        (
            "name a CA bundle that knows the server: ca-bundle in site.yaml; that of ubuntu16.04 is from 2021, and "
            "/etc/ssl/certs/ca-certificates.crt of this machine may be newer"
        ),
    ),
    (
        # conda-build's linker, which conda's Python names in its build flags (conda/conda#6132).
        r"compiler_compat/ld: (\S+: )?(cannot find|unrecognized|file not recognized)",
        (
            'conda has a linker of its own: add LDSHARED="gcc -pthread -shared" to the ENV of the stage installer '
            "in templates/platforms/ubuntu16.04.j2, then python -m builder render"
        ),
    ),
    (
        r"No matching distribution found|Could not find a version",
        "the index lacks the pinned file: put it into a find-links directory of the site",
    ),
    (
        r"failed to resolve source metadata|pull access denied|failed to do request",
        "the base cannot be pulled: bootstrap it, with `base: bootstrap` in site.yaml",
    ),
    (
        (
            r"Temporary failure resolving|Could not (resolve|connect)|no such host|Connection (timed out|failed)"
            r"|Network is unreachable|connection refused"
        ),
        "a source does not answer from inside the build: python -m builder doctor",
    ),
    (
        r"method driver \S*/https could not be found",
        (
            "apt of this release speaks https only with the package apt-transport-https: name an http mirror in "
            "apt-sources of site.yaml, or bootstrap the base with that package"
        ),
    ),
    (
        r"unmet dependencies|held broken packages",
        (
            "a pinned package depends on a version of another that nothing pins, and apt takes the newest: pin that "
            "one too, in packages of its stack in matrix.yaml; python -m builder validate names the known ones"
        ),
    ),
    (
        r"Failed to fetch|Hash Sum mismatch",
        (
            "the mirror's index names a package that it does not give, as while it is renewed: build again, or name "
            "another mirror in apt-sources of site.yaml"
        ),
    ),
    (
        r"apt-get: (command )?not found",
        "the base holds no apt: bootstrap it with include: [apt, ca-certificates], or name another base in matrix.yaml",
    ),
    (
        r"(?m)^[<>] [0-9A-F]{40}$",
        "a repository's key is not the one in matrix.yaml: compare its fingerprint with what the publisher says",
    ),
    (
        r"ln: (target|failed to [^']*) '/usr/local/cuda'",
        "a second release of CUDA was installed: pin the package that brought it, in packages of the stack",
    ),
    (
        r"CondaHTTPError|CondaError: Download",
        "conda's channel does not give a package: python -m builder fetch --to DIR, then wheelhouse: DIR in site.yaml",
    ),
    (
        r"ChecksumMismatchError|MD5MismatchError",
        "a package of conda is not the file that builder.lock names: python -m builder fetch --check DIR",
    ),
    (
        r"has no installation candidate|Version '.*' for '.*' was not found|Unable to locate package",
        "the mirror no longer has a pinned package: apt-cache policy on that release",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image that was built."""

    digest: str
    seconds: float
    ran: bool
    """Whether a RUN was executed: else the seconds say nothing about the next build."""


def build(
    context: Path,
    wanted: buildx_command.BuildInputs,
    watch: Watch,
    running: process.Running,
    *,
    options: tuple[str, ...],
    on_step: OnStep,
    builder: buildx_command.Builder = buildx_command.OWN,
) -> str:
    """Build what the options say; returns the digest of an image, empty for files.

    Raises BuildError with the failing step and what to do.
    """
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
        return str(json.loads(metadata.read_text("utf-8")).get("containerimage.digest", ""))


def make(
    settings: Settings,
    job: Job,
    site: Site,
    builder: buildx_command.Builder,
    display: Display,
    running: process.Running,
) -> Made:
    """Build the image, on the engine in the end; for any thread.

    Raises BuilderError, and CancelledError when `running` was stopped.
    """
    began = time.monotonic()
    log = settings.log_dir / (cell(job.spec).replace("/", "-") + ".log")
    echo = display.stream if settings.verbose else None
    with log.open("w", encoding="utf-8") as stream:
        watch = Watch(name=cell(job.spec), log=stream, echo=echo, replay=str(replay(settings, job)))
        display.add(watch)
        with removed(watch, display), job.inputs(site) as inputs, engine.connected() as client:
            run = Run(client=client, job=job, inputs=inputs, watch=watch, running=running, on_step=display.step)
            wheels = row_wheels.row_wheels(job.pinned, site)
            digest = image(run, wheels, builder, partial(flags_of, settings), anew=settings.no_cache)
    return Made(digest=digest, seconds=time.monotonic() - began, ran=watch.ran)


@contextmanager
def removed(watch: Watch, display: Display) -> Iterator[None]:
    """Takes the watch from the display when the block ends."""
    try:
        yield
    finally:
        display.remove(watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One build of one job: what it gets, where it is seen, and what stops it."""

    client: "docker.DockerClient"
    job: Job
    inputs: buildx_command.BuildInputs
    watch: Watch
    running: process.Running
    on_step: OnStep
    context: Path | None = None
    """The build context, when it is another than the job's."""

    def build(self, inputs: buildx_command.BuildInputs, builder: buildx_command.Builder, *options: str) -> str:
        """As the function of that name."""
        context = self.context or self.job.context
        return build(context, inputs, self.watch, self.running, options=options, on_step=self.on_step, builder=builder)

    def step(self, text: str) -> None:
        """Show what is done now."""
        self.watch.step = text
        self.watch.write(text)
        self.on_step(self.watch)


def image(
    run: Run,
    wheels: row_wheels.RowWheels,
    builder: buildx_command.Builder,
    flags: Callable[[str], tuple[str, ...]],
    *,
    anew: bool,
) -> str:
    """The image of a row: what its Dockerfile builds, and its wheels on it; returns the engine's name of it.

    `flags` gives what buildx is told besides, by the name of the cache to use; `anew` takes no layer from the cache.
    """
    name = cell(run.job.spec)
    with scratch() as directory:
        given = prepared(run.client, replace(run.inputs, labels={}), is_near=not builder.remote)
        compiled = {}
        if wheels.from_source:
            place = directory / "compiled"
            output = f"--output=type=local,dest={place}"
            run.build(given, builder, buildx_command.COMPILED, output, *flags(f"{name}-compiled"))
            compiled = row_wheels.compiled(run.job.pinned, place)
        wanted = wheels.wanted(compiled, run.job.compression)
        archive = directory / "image.tar" if builder.remote else None
        system = run.build(
            given, builder, buildx_command.SYSTEM, buildx_command.output(archive, run.job.compression), *flags(name)
        )
        if archive:
            run.step("loading the image into the engine")
            system = buildx_builders.load(archive, system, run.running)
        finishes = has_stage(run.context or run.job.context, "finished")
        # An engine may collect what has no name at any time; what loses its last name is dropped, however this ends.
        with engine_manifest.tagged(run.client, system, passing(0)):
            stopped = run.running.stopping.is_set
            made = layers.layers(run.client, system, wanted, step=run.step, stopped=stopped, anew=anew)
            run.step("loading the wheels into the engine")
            labels = {} if finishes else run.inputs.labels
            digest = wheel_image.assembled(run.client, system, made, labels)
        return finished(run, given, builder, digest, directory, flags(f"{name}-finished")) if finishes else digest


def has_stage(context: Path, name: str) -> bool:
    """Whether a Dockerfile has a stage of that name."""
    return re.search(rf"^FROM \S+ AS {name}$", (context / "Dockerfile").read_text("utf-8"), re.MULTILINE) is not None


def finished(
    run: Run,
    given: buildx_command.BuildInputs,
    builder: buildx_command.Builder,
    digest: str,
    directory: Path,
    options: tuple[str, ...],
) -> str:
    """What the last stage makes of the image with the wheels; returns the engine's name of it."""
    with engine_manifest.tagged(run.client, digest, passing(0)) as name:
        place = f"docker-image://{name}"
        if builder.remote:
            layout = directory / "layout"
            place = f"{site_inputs.LAYOUT}{layout}@{engine_layout.write(run.client, digest, layout)}"
        inputs = replace(given, stages={**given.stages, "image": place}, labels=run.inputs.labels)
        archive = directory / "finished.tar" if builder.remote else None
        output = buildx_command.output(archive, run.job.compression)
        made = run.build(inputs, builder, buildx_command.FINISHED, output, *options)
        if archive:
            made = buildx_builders.load(archive, made, run.running)
        return wheel_image.reproducible(run.client, made)


def prepared(
    client: "docker.DockerClient", inputs: buildx_command.BuildInputs, *, is_near: bool
) -> buildx_command.BuildInputs:
    """The inputs as the builder takes them; only the BuildKit of an engine with the classic store needs other ones."""
    if not is_near or engine.has_containerd_store(client.info()):
        return inputs
    return classic_store.with_loaded_bases(client, inputs)


def flags_of(settings: Settings, name: str) -> tuple[str, ...]:
    """What the command line says about caches."""
    places = (cache_flags.flag(place, name) for place in (*settings.cache_from, *settings.cache_to))
    return (*places, *(("--no-cache",) if settings.no_cache else ()))


def replay(settings: Settings, job: Job) -> Command:
    """The command that repeats this build alone, with the site's secrets, which are gone from disk after a run."""
    argv = ["python", "-m", "builder", "build", f"--only={cell(job.spec)}", f"--matrix={settings.matrix}"]
    named = ((name, getattr(settings, name)) for name in ("site", "wheelhouse", "repository", "builder"))
    argv += [f"--{name}={value}" for name, value in named if value]
    argv += [f"--cache-{place.direction}={place.text}" for place in (*settings.cache_from, *settings.cache_to)]
    argv += [f"--compression={job.compression}"] if job.compression != "zstd" else []
    argv += [f"--log-dir={settings.log_dir}", *(("--no-cache",) if settings.no_cache else ())]
    return Command(argv=tuple(argv))


def cause_of(said: str) -> str | None:
    """What to do about a build that said this, or None."""
    return next((hint for pattern, hint in CAUSES if re.search(pattern, said, re.IGNORECASE)), None)


def failure(watch: Watch) -> BuildError:
    """What failed, its last lines, the likely cause, the log and the command to repeat it."""
    said = "\n".join([*watch.tail, *watch.plain])
    lines = "\n".join(f"    {line}" for line in watch.tail)
    cause = cause_of(said)
    log = getattr(watch.log, "name", "the log")
    what = f"{watch.name}: the build failed after {watch.elapsed:.0f} s at: {watch.failed_step or watch.step}"
    return BuildError(f"{what}\n{lines}\n  log: {log}\n  replay: {watch.replay}", hint=cause or f"read {log}")
