"""The end of a run: how it ended, its files given back, its record written, its container removed."""

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.training import stream
from builder.training.plan import Limits
from builder.training.record import Record, Status, now, read, write

if TYPE_CHECKING:
    import docker

LOG = "output.log"
CANCELLED = "cancelled"
"""A file that says that somebody wanted the end."""
TIMED_OUT, KILLED = 124, 137
Verdict = tuple[Status, str | None]


def container_of(run: str) -> str:
    """The name of a run's container."""
    return f"framework-images-run-{run}"


def state_of(client: "docker.DockerClient", run: str) -> dict[str, Any] | None:
    """The state of a run's container, or None when there is none."""
    from docker.errors import NotFound

    try:
        return dict(client.api.inspect_container(container_of(run))["State"])
    except NotFound:
        return None


def stop(client: "docker.DockerClient", directory: Path) -> None:
    """SIGTERM, and SIGKILL after the grace; whoever collects the run finds that it was wanted."""
    from docker.errors import NotFound

    (directory / CANCELLED).touch()
    with contextlib.suppress(NotFound):
        client.api.stop(container_of(directory.name), timeout=read(directory).plan.limits.grace + 5)


def kill(client: "docker.DockerClient", run: str) -> None:
    from docker.errors import APIError

    with contextlib.suppress(APIError):
        client.api.kill(container_of(run))


def collect(client: "docker.DockerClient", directory: Path) -> Record:
    """Write the end of a run whose container has ended; returns its record. A second time changes nothing."""
    record = read(directory)
    if record.is_final:
        remove(client, record.run)
        return record
    state = state_of(client, record.run)
    save_log(client, directory, has_container=state is not None)
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
    remove(client, record.run)
    return record


def save_log(client: "docker.DockerClient", directory: Path, *, has_container: bool) -> None:
    """Keep what the container printed, if nobody has: the container is about to go."""
    file = directory / LOG
    if not has_container or (file.exists() and file.stat().st_size):
        return
    with file.open("wb") as target:
        for _, data in stream.output(client, container_of(directory.name), follow=False):
            target.write(data)


def give_back(directory: Path) -> None:
    """Let the caller own what the run wrote, and forget its secrets."""
    shutil.rmtree(directory / "secrets", ignore_errors=True)
    if os.getuid():
        return
    for name in ("outputs", "logs"):
        for parent, names, files in os.walk(directory / name):
            for path in (Path(parent), *(Path(parent, one) for one in (*names, *files))):
                os.lchown(path, os.getuid(), os.getgid())


def remove(client: "docker.DockerClient", run: str) -> None:
    """Remove the container, if it is there."""
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):
        client.api.remove_container(container_of(run), force=True, v=True)


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
    return "failed", str(state.get("Error") or "") or None


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
