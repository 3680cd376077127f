"""Makes one image of a run: its log, its line on the display, and what a person repeats it with."""

import time
from dataclasses import dataclass

from builder.build import buildx_builders, buildx_command, cache_flags
from builder.build import buildx_run as building
from builder.build.job import Job
from builder.build.progress import Display, Watch
from builder.commands.options import Options
from builder.host.command import Command
from builder.host.process import Running
from builder.host.temporary import scratch
from builder.matrix.names import cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image that was built."""

    digest: str
    seconds: float
    ran: bool
    """Whether a RUN was executed: else the seconds say nothing about the next build."""


def make(
    options: Options,
    job: Job,
    inputs: buildx_command.Inputs,
    builder: buildx_command.Builder,
    display: Display,
    running: Running,
) -> Made:
    """Build the image, on the engine in the end; for any thread.

    Raises BuildError, EngineError, and CancelledError when `running` was stopped.
    """
    began = time.monotonic()
    log = options.log_dir / (cell(job.spec).replace("/", "-") + ".log")
    echo = display.stream if options.verbose else None
    with log.open("w", encoding="utf-8") as stream, scratch() as directory:
        archive = directory / "image.tar" if builder.remote else None
        flags = (buildx_command.output(archive), *flags_of(options, cell(job.spec)))
        watch = Watch(name=cell(job.spec), log=stream, echo=echo, replay=str(replay(options, job)))
        display.add(watch)
        try:
            digest = building.build(
                job.context, inputs, watch, running, options=flags, on_step=display.step, builder=builder
            )
            if archive:
                watch.step = "loading the image into the engine"
                display.step(watch)
                buildx_builders.load(archive, digest, running)
        finally:
            display.remove(watch)
    return Made(digest=digest, seconds=time.monotonic() - began, ran=watch.ran)


def flags_of(options: Options, name: str) -> tuple[str, ...]:
    """What the command line says about caches."""
    places = (cache_flags.flag(place, name) for place in (*options.cache_from, *options.cache_to))
    return (*places, *(("--no-cache",) if options.no_cache else ()))


def replay(options: Options, job: Job) -> Command:
    """The command that repeats this build alone, with the site's secrets, which are gone from disk after a run."""
    argv = ["python", "-m", "builder", "build", f"--only={cell(job.spec)}", f"--matrix={options.matrix}"]
    argv += [f"--site={options.site}"] if options.site else []
    argv += [f"--wheelhouse={options.wheelhouse}"] if options.wheelhouse else []
    argv += [f"--repository={options.repository}"] if options.repository else []
    argv += [f"--builder={options.builder}"] if options.builder else []
    argv += [f"--cache-{place.direction}={place.text}" for place in (*options.cache_from, *options.cache_to)]
    argv += [f"--log-dir={options.log_dir}", *(("--no-cache",) if options.no_cache else ())]
    return Command(argv=tuple(argv))
