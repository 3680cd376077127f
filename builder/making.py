"""Makes one image of a run: its log, its line on the display, and what a person repeats it with."""

import time
from dataclasses import dataclass

from builder import build as building
from builder import buildx
from builder.command import Command
from builder.names import cell
from builder.options import Options
from builder.process import Running
from builder.progress import Display, Watch
from builder.promote import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image that was built."""

    digest: str
    seconds: float
    ran: bool
    """Whether a RUN was executed: else the seconds say nothing about the next build."""


def make(options: Options, job: Job, inputs: buildx.Inputs, display: Display, running: Running) -> Made:
    """Build the image; for any thread. Raises BuildError, and CancelledError when `running` was stopped."""
    began = time.monotonic()
    flags = (f"--output={buildx.OUTPUT}", *(("--no-cache",) if options.no_cache else ()))
    log = options.log_dir / (cell(job.spec).replace("/", "-") + ".log")
    echo = display.stream if options.verbose else None
    with log.open("w", encoding="utf-8") as stream:
        watch = Watch(name=cell(job.spec), log=stream, echo=echo, replay=str(replay(options, job)))
        display.add(watch)
        try:
            digest = building.build(job.context, inputs, watch, running, options=flags, on_step=display.step)
        finally:
            display.remove(watch)
    return Made(digest=digest, seconds=time.monotonic() - began, ran=watch.ran)


def replay(options: Options, job: Job) -> Command:
    """The command that repeats this build alone, with the site's secrets, which are gone from disk after a run."""
    argv = ["python", "-m", "builder", "build", f"--only={cell(job.spec)}", f"--matrix={options.matrix}"]
    argv += [f"--site={options.site}"] if options.site else []
    argv += [f"--wheelhouse={options.wheelhouse}"] if options.wheelhouse else []
    argv += [f"--repository={options.repository}"] if options.repository else []
    argv += [f"--log-dir={options.log_dir}", *(("--no-cache",) if options.no_cache else ())]
    return Command(argv=tuple(argv))
