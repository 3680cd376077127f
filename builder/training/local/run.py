"""A run as a handle: its directory says what it is, the engine how it goes; any process may take it over."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import BuilderError, InputError
from builder.host import engine, mutex
from builder.training.local import collect, follow, nodes, stream
from builder.training.records.record import Record, Status, read
from builder.training.request.plan import RunPlan

if TYPE_CHECKING:
    import docker

Sink = Callable[[bool, bytes], None]
PATIENCE = 10
"""Seconds past limit and grace after which the launcher in the container is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training run, going on or over."""

    directory: Path

    @property
    def id(self) -> str:
        return self.directory.name

    @property
    def record(self) -> Record:
        """What is written about the run."""
        return read(self.directory)

    @property
    def plan(self) -> RunPlan:
        return self.record.plan

    @property
    def outputs(self) -> Path:
        """The directory of what the script wrote to `outputs/`."""
        return self.directory / "outputs"

    @property
    def outputs_place(self) -> str:
        """Where that is, for people."""
        return str(self.outputs)

    @property
    def exit_code(self) -> int | None:
        """The exit code of the run; None before it has ended."""
        return self.record.exit_code

    @property
    def status(self) -> Status:
        """How the run is at this moment; a run that has ended is collected, if nobody does so."""
        record = self.record
        if record.is_final:
            return record.status
        with engine.connected() as client:
            state = collect.state_of(client, self.id, record.plan.topology)
            if state and state["Status"] in ("created", "running"):
                return "running" if state["Status"] == "running" else "submitted"
            with contextlib.suppress(InputError), self.attended():
                return collect.collect(client, self.directory).status
        return "running"

    def logs(self) -> str:
        """Everything that was printed until now; bytes that are no text are replaced."""
        record = self.record
        if not record.is_final:
            with engine.connected() as client:
                if collect.state_of(client, self.id, record.plan.topology):
                    names = [nodes.container_of(self.id, node) for node in range(record.plan.nodes)]
                    found = (stream.output(client, name, follow=False) for name in names)
                    return text(b"".join(data for chunks in found for _, data in chunks))
        file = self.directory / collect.LOG
        return text(file.read_bytes()) if file.is_file() else ""

    def wait(self, *, show_output: bool = True) -> int:
        """Wait for the end, showing what the script prints; returns the exit code.

        Ctrl-C cancels the run. Raises InputError when another process waits for it already.
        """
        if self.record.is_final:
            return self.record.exit_code or 0
        with self.attended(), engine.connected() as client:
            try:
                self._follow(client, shown if show_output else hidden)
            except (KeyboardInterrupt, BrokenPipeError):
                collect.stop(client, self.directory)
                collect.collect(client, self.directory)
                raise
            record = collect.collect(client, self.directory)
        return record.exit_code if record.exit_code is not None else 1

    def cancel(self) -> None:
        """End the run: SIGTERM, and SIGKILL when it does not obey; what it wrote until then is kept."""
        if self.record.is_final:
            return
        with engine.connected() as client:
            collect.stop(client, self.directory)
            with contextlib.suppress(InputError), self.attended():
                collect.collect(client, self.directory)
                return
        self._collected()

    def _collected(self) -> None:
        """Wait until the process that follows the run has written its end."""
        limit = time.monotonic() + PATIENCE
        while not self.record.is_final and time.monotonic() < limit:
            time.sleep(0.05)

    @contextlib.contextmanager
    def attended(self) -> Iterator[None]:
        """The right to follow the run; raises InputError when another process has it."""
        lock = mutex.acquire(self.directory, self.id)
        if isinstance(lock, str):
            raise InputError(f"{self.id}: {lock} follows it already", hint="python -m builder runs")
        try:
            yield
        finally:
            lock.release()

    def _follow(self, client: "docker.DockerClient", sink: Sink) -> None:
        """Copy the output to the log and the sink until the run is over; then no node is left running."""
        plan, log = self.plan, self.directory / collect.LOG
        if collect.state_of(client, self.id, plan.topology) is None:
            return
        with self._backstop(client), log.open("wb") as file:
            for is_error, data in follow.output(client, self.id, plan):
                written(file.write, data, log)
                sink(is_error, data)

    @contextlib.contextmanager
    def _backstop(self, client: "docker.DockerClient") -> Iterator[None]:
        """Kill the container when it does not end itself long after its limit: a script can stop the launcher."""
        limits = self.plan.limits
        if limits.seconds is None:
            yield
            return
        left = limits.seconds - collect.seconds_of(self.record) + limits.grace + PATIENCE
        timer = threading.Timer(max(left, 0), collect.kill, (client, self.id, self.plan.nodes))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def written(write: Callable[[bytes], object], data: bytes, log: Path) -> None:
    """Write to the log; a full disk ends the waiting, not the run."""
    try:
        write(data)
    except OSError as error:
        hint = f"python -m builder runs adopt {log.parent.name}"
        raise BuilderError(f"{log}: {error.strerror}; the run goes on", hint=hint) from None


def shown(is_error: bool, data: bytes) -> None:
    """Print what the script printed, byte for byte where the stream takes bytes."""
    target = sys.stderr if is_error else sys.stdout
    buffer = getattr(target, "buffer", None)
    if buffer is None:
        target.write(text(data))
    else:
        buffer.write(data)
    target.flush()


def hidden(_is_error: bool, _data: bytes) -> None:
    pass


def text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
