"""The handle of a run on this engine: its directory says what it is, the engine says how it goes."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import InputError
from builder.host import engine
from builder.training.local import nodes, output
from builder.training.local.collect import collect
from builder.training.records.record import Status
from builder.training.records.run import CANCELLED, LOG, PATIENCE, Run, Sink, append

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRun(Run):
    """A training run in containers of this engine."""

    @property
    def outputs(self) -> Path:
        return self.directory / "outputs"

    @property
    def outputs_place(self) -> str:
        return str(self.outputs)

    @property
    def status(self) -> Status:
        record = self.record
        if record.is_final:
            return record.status
        with engine.connected() as client:
            state = nodes.state_of(client, self.id, record.plan.topology)
            if state and state.status in ("created", "running"):
                return "running" if state.status == "running" else "submitted"
            with contextlib.suppress(InputError), self.attended():
                return collect(client, self.directory).status
        return "running"

    def live_logs(self) -> bytes | None:
        """What the containers have printed, node after node; None when one of them is gone."""
        plan = self.plan
        with engine.connected() as client:
            if nodes.state_of(client, self.id, plan.topology) is None:
                return None
            names = [nodes.container_of(self.id, node) for node in range(plan.nodes)]
            found = (output.of_container(client, name, follow=False) for name in names)
            return b"".join(data for chunks in found for _, data in chunks)

    def follow(self, sink: Sink) -> None:
        with engine.connected() as client:
            try:
                self._copy_output(client, sink)
            except (KeyboardInterrupt, BrokenPipeError):
                self.stop(client)
                collect(client, self.directory)
                raise
            collect(client, self.directory)

    def watch(self, sink: Sink) -> None:
        said = False
        with engine.connected() as client:
            for is_error, data in output.watched(client, self.id, self.plan.nodes):
                said = True
                sink(is_error, data)
        if not said:  # its containers may have gone before they were asked
            sink(False, self.output())

    def cancel(self) -> None:
        """End the run: SIGTERM, and SIGKILL after the grace."""
        if self.record.is_final:
            return
        with engine.connected() as client:
            self.stop(client)
            with contextlib.suppress(InputError), self.attended():
                collect(client, self.directory)
                return
        self.wait_for_record()

    def stop(self, client: "docker.DockerClient") -> None:
        """Stop the nodes, and note that somebody asked for it."""
        (self.directory / CANCELLED).touch()
        nodes.stop(client, self.id, self.plan)

    def _copy_output(self, client: "docker.DockerClient", sink: Sink) -> None:
        """Copy the output to the log and the sink until no node runs any more."""
        plan, log = self.plan, self.directory / LOG
        if nodes.state_of(client, self.id, plan.topology) is None:
            return
        with self._kill_when_stuck(client), log.open("wb") as file:
            for is_error, data in output.of_run(client, self.id, plan):
                append(file.write, data, log)
                sink(is_error, data)

    @contextlib.contextmanager
    def _kill_when_stuck(self, client: "docker.DockerClient") -> Iterator[None]:
        """Kill the nodes long after the limit, because a script can stop the launcher that should end it."""
        limits = self.plan.limits
        if limits.seconds is None:
            yield
            return
        left = limits.seconds - self.record.seconds + limits.grace + PATIENCE
        timer = threading.Timer(max(left, 0), nodes.kill, (client, self.id, self.plan.nodes))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
