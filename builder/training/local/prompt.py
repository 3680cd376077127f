"""A prompt in the container of a run: same image, mounts, variables and limits, and a person in place of a script."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from builder.host import engine, process
from builder.host.command import Command
from builder.training.local import containers, nodes
from builder.training.local.collect import collect
from builder.training.local.run import LocalRun
from builder.training.records import record
from builder.training.request.plan import RunPlan

if TYPE_CHECKING:
    import docker


def prepared(client: "docker.DockerClient", plan: RunPlan, place: Path, *, gpus: bool) -> LocalRun:
    """The run with its container, which waits for `attach`. An error leaves neither a container nor a directory."""
    engine.assert_mounts()
    run = LocalRun(directory=place / record.new_id(plan.entry))
    run.directory.mkdir(mode=0o700)
    try:
        record.write(run.directory, record.Record(run=run.id, plan=plan, submitted=record.now()))
        containers.create(client, run.id, run.directory, plan, gpus=gpus, tty=is_terminal())
    except BaseException:
        nodes.remove(client, run.id)
        shutil.rmtree(run.directory, ignore_errors=True)
        raise
    return run


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def attach(run: LocalRun) -> None:
    """Start the container with our terminal, until the person leaves it, and collect the run."""
    command = Command(argv=("docker", "start", "--attach", "--interactive", nodes.container_of(run.id)))
    with run.attended(), collected(run):
        process.attached(command)


@contextmanager
def collected(run: LocalRun) -> Iterator[None]:
    """Whatever ends the block, the run is over and its record says how."""
    try:
        yield
    except BaseException:
        with engine.connected() as client:
            run.stop(client)
            collect(client, run.directory)
        raise
    with engine.connected() as client:
        collect(client, run.directory)
