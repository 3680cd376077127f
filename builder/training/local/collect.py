"""Collects a run that has ended: keeps its log, gives back its files, writes its record, removes its containers."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.training.launcher.instructions import TIMED_OUT
from builder.training.local import nodes, output
from builder.training.records.record import Record, Status, now, read, write
from builder.training.records.run import CANCELLED, LOG
from builder.training.request.plan import Limits
from builder.training.request.sizes import written

if TYPE_CHECKING:
    import docker

KILLED = 137


def collect(client: "docker.DockerClient", directory: Path) -> Record:
    """Write the end of a run whose containers have ended. Returns the record; a second time changes nothing."""
    record = read(directory)
    if record.is_final:
        nodes.remove(client, record.run)
        return record
    state = nodes.state_of(client, record.run, record.plan.topology)
    save_log(client, directory, record.plan.nodes if state else 0)
    give_back(directory)
    status, reason = verdict(state, record.plan.limits, cancelled=(directory / CANCELLED).exists())
    ended = replace(
        record,
        status=status,
        reason=reason,
        started=state.started if state else record.started,
        finished=state.finished if state else now(),
        exit_code=state.exit_code if state else None,
    )
    write(directory, ended)
    nodes.remove(client, record.run)
    return ended


def save_log(client: "docker.DockerClient", directory: Path, count: int) -> None:
    """Keep what the containers printed, node after node, unless the log has it already."""
    file = directory / LOG
    if not count or (file.exists() and file.stat().st_size):
        return
    with file.open("wb") as target:
        for node in range(count):
            for _, data in output.of_container(client, nodes.container_of(directory.name, node), follow=False):
                target.write(data)


def give_back(directory: Path) -> None:
    """Make the caller the owner of what the run wrote, and delete the copies of its secrets."""
    for name in ("secrets", "ssh"):
        shutil.rmtree(directory / name, ignore_errors=True)
    if os.getuid():
        return
    for name in ("outputs", "logs"):
        for parent, names, files in os.walk(directory / name):
            for path in (Path(parent), *(Path(parent, one) for one in (*names, *files))):
                os.lchown(path, os.getuid(), os.getgid())


def verdict(state: nodes.ContainerState | None, limits: Limits, *, cancelled: bool) -> tuple[Status, str | None]:
    """How a run ended, and what a person should know about it."""
    if state is None:
        return "lost", "its container is gone, and nobody saw how it ended"
    if cancelled:
        return "cancelled", None
    if limits.seconds is not None and state.exit_code in (TIMED_OUT, KILLED) and state.seconds >= limits.seconds:
        return "timed out", f"it took longer than {limits.seconds} s"
    if state.exit_code == KILLED and state.is_out_of_memory:
        return "out of memory", f"it needed more than {written(limits.memory)}" if limits.memory else None
    if state.exit_code == 0:
        return "completed", None
    node = f"node {state.failed_node} ended first, with exit code {state.exit_code}"
    return "failed", (state.error or None) if state.failed_node is None else node
