"""The end of a run: how it ended, its files given back, its record written, its container removed."""

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.training.local import nodes, stream
from builder.training.records.record import Record, Status, now, read, write
from builder.training.request.distribution import Topology
from builder.training.request.plan import Limits, RunPlan

if TYPE_CHECKING:
    import docker

LOG = "output.log"
CANCELLED = "cancelled"
"""A file that says that somebody wanted the end."""
TIMED_OUT, KILLED = 124, 137
Verdict = tuple[Status, str | None]


def state_of(client: "docker.DockerClient", run: str, topology: Topology) -> nodes.State | None:
    """The state of a run, or None when a container of it is gone."""
    return nodes.together(nodes.states(client, run, topology), topology)


def stop(client: "docker.DockerClient", directory: Path) -> None:
    """SIGTERM, and SIGKILL after the grace; whoever collects the run finds that it was wanted."""
    (directory / CANCELLED).touch()
    end(client, directory.name, read(directory).plan)


def end(client: "docker.DockerClient", run: str, plan: RunPlan) -> None:
    """End every node that still runs, all at the same time."""

    def stopped(node: int) -> None:
        with contextlib.suppress(NotFound):
            client.api.stop(nodes.container_of(run, node), timeout=plan.limits.grace + 5)

    from docker.errors import NotFound

    with ThreadPoolExecutor(plan.nodes) as pool:
        list(pool.map(stopped, range(plan.nodes)))


def kill(client: "docker.DockerClient", run: str, count: int) -> None:
    from docker.errors import APIError

    for node in range(count):
        with contextlib.suppress(APIError):
            client.api.kill(nodes.container_of(run, node))


def collect(client: "docker.DockerClient", directory: Path) -> Record:
    """Write the end of a run whose container has ended; returns its record. A second time changes nothing."""
    record = read(directory)
    if record.is_final:
        nodes.remove(client, record.run)
        return record
    state = state_of(client, record.run, record.plan.topology)
    save_log(client, directory, record.plan.nodes if state else 0)
    give_back(directory)
    status, reason = verdict(state, record.plan.limits, cancelled=(directory / CANCELLED).exists())
    record = write(
        directory,
        replace(
            record,
            status=status,
            reason=reason,
            started=state["StartedAt"] if state else record.started,
            finished=state["FinishedAt"] if state else now(),
            exit_code=state["ExitCode"] if state else None,
        ),
    )
    nodes.remove(client, record.run)
    return record


def save_log(client: "docker.DockerClient", directory: Path, count: int) -> None:
    """Keep what the containers printed, if nobody has, node after node: they are about to go."""
    file = directory / LOG
    if not count or (file.exists() and file.stat().st_size):
        return
    with file.open("wb") as target:
        for node in range(count):
            for _, data in stream.output(client, nodes.container_of(directory.name, node), follow=False):
                target.write(data)


def give_back(directory: Path) -> None:
    """Let the caller own what the run wrote, and forget its secrets."""
    for name in ("secrets", "ssh"):
        shutil.rmtree(directory / name, ignore_errors=True)
    if os.getuid():
        return
    for name in ("outputs", "logs"):
        for parent, names, files in os.walk(directory / name):
            for path in (Path(parent), *(Path(parent, one) for one in (*names, *files))):
                os.lchown(path, os.getuid(), os.getgid())


def verdict(state: Mapping[str, Any] | None, limits: Limits, *, cancelled: bool) -> Verdict:
    """How a run ended, and what a person should know about it."""
    if state is None:
        return "lost", "its container is gone, and nobody saw how it ended"
    code = int(state["ExitCode"])
    if cancelled:
        return "cancelled", None
    if limits.seconds is not None and code in (TIMED_OUT, KILLED) and duration(state) >= limits.seconds:
        return "timed out", f"it took longer than {limits.seconds} s"
    if code == KILLED and state.get("OOMKilled"):
        return "out of memory", f"it needed more than {limits.memory} bytes" if limits.memory else None
    if code == 0:
        return "completed", None
    node = f"node {state['Node']} ended first, with exit code {code}" if "Node" in state else None
    return "failed", node or str(state.get("Error") or "") or None


def duration(state: Mapping[str, Any]) -> float:
    """How long a container that has ended ran, in seconds."""
    return (moment(state["FinishedAt"]) - moment(state["StartedAt"])).total_seconds()


def seconds_of(record: Record) -> float:
    """How long a run took, or has taken until now, in seconds."""
    end = dt.datetime.now(dt.UTC) if record.finished is None else moment(record.finished)
    return max((end - moment(record.started or record.submitted)).total_seconds(), 0.0)


def moment(text: str) -> dt.datetime:
    """A time of the engine, which writes nanoseconds, or of ours."""
    return dt.datetime.fromisoformat(text)
