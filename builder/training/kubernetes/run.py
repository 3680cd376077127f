"""A run on a cluster as a handle: the same as one on this engine, except that the cluster keeps it."""

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from builder.errors import BuilderError, ClusterError, InputError
from builder.training.kubernetes import api, output, state
from builder.training.kubernetes.jobs import kind_of
from builder.training.kubernetes.pods import Object, labels
from builder.training.kubernetes.settings import KubernetesTarget
from builder.training.kubernetes.state import Ending
from builder.training.local import run as local
from builder.training.local.collect import CANCELLED, LOG
from builder.training.records.record import Status, now, write

SHORTEST, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two questions to the cluster: it is asked less and less often."""
SILENCE = 60.0
"""Seconds for which a cluster may not answer before the waiting ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRun(local.Run):
    """A training run on a cluster, going on or over."""

    @property
    def target(self) -> KubernetesTarget:
        """Where it runs."""
        found = dict(self.record.cluster or {})
        selector = tuple((str(name), str(value)) for name, value in found.pop("node_selector", ()))
        return KubernetesTarget(**found, node_selector=selector, runs=self.directory.parent)

    @property
    def job(self) -> Object:
        """The object that runs, by name."""
        kind = kind_of(self.plan)
        version = {"Job": "batch/v1", "PyTorchJob": "kubeflow.org/v1", "MPIJob": "kubeflow.org/v2beta1"}[kind]
        names = {"name": self.id, "namespace": str((self.record.cluster or {})["namespace"])}
        return {"apiVersion": version, "kind": kind, "metadata": names}

    @property
    def outputs(self) -> Path:
        """Raises InputError: what the script wrote is where the cluster keeps it."""
        raise InputError(f"{self.id}: the outputs are not on this host: {self.outputs_place}")

    @property
    def outputs_place(self) -> str:
        """Where what the script wrote is, for people."""
        claim = (self.record.cluster or {}).get("outputs_claim")
        return f"pvc://{claim}/{self.id}/outputs" if claim else "gone with the pods; --outputs-claim keeps them"

    @property
    def status(self) -> Status:
        """How the run is at this moment; one that has ended is collected, if nobody does so. Raises ClusterError."""
        record = self.record
        if record.is_final:
            return record.status
        cluster = self._cluster()
        pods = self._pods(cluster)
        if found := self._ending(cluster.job(self.job), pods):
            with contextlib.suppress(InputError), self.attended():
                self._collect(cluster, found, pods)
                return found.status
        return "running" if any(map(state.has_begun, pods)) else "submitted"

    def logs(self) -> str:
        """Everything that was printed until now; bytes that are no text are replaced."""
        file = self.directory / LOG
        if self.record.is_final:
            return local.text(file.read_bytes()) if file.is_file() else ""
        cluster = self._cluster()
        return local.text(output.whole(cluster, self.id, self._pods(cluster), several=self.plan.nodes > 1))

    def wait(self, *, show_output: bool = True) -> int:
        """Wait for the end, showing what the pods print; returns the exit code.

        Ctrl-C cancels the run. Raises InputError when another process waits for it already, and ClusterError when the
        cluster does not answer for a minute; the run goes on then.
        """
        if self.record.is_final:
            return self.record.exit_code or 0
        with self.attended():
            self._shown_to_its_end(self._cluster(), local.shown if show_output else local.hidden)
        code = self.record.exit_code
        return code if code is not None else 1

    def cancel(self) -> None:
        """End the run: the cluster deletes its job, and with it everything that belongs to it."""
        if self.record.is_final:
            return
        cluster = self._cluster()
        pods = self._pods(cluster)
        if not (self.directory / LOG).exists():
            with contextlib.suppress(BuilderError):
                self._save_log(cluster, pods)
        self._end(cluster)
        with contextlib.suppress(InputError), self.attended():
            self._collect(cluster, Ending(status="cancelled"), [])
            return
        self._collected()

    def _cluster(self) -> api.Cluster:
        return api.connect(self.target)

    def _pods(self, cluster: api.Cluster) -> list[Object]:
        return cluster.pods(f"framework-images.run={labels(self.id)['framework-images.run']}")

    def _ending(self, job: Object | None, pods: list[Object]) -> Ending | None:
        return state.ending(job, pods, self.plan, cancelled=(self.directory / CANCELLED).exists())

    def _shown_to_its_end(self, cluster: api.Cluster, sink: local.Sink) -> None:
        """Show the output until the run is over, and write its end."""
        several, log = self.plan.nodes > 1, self.directory / LOG

        with log.open("wb") as file:

            def emit(data: bytes) -> None:
                local.written(file.write, data, log)
                sink(False, data)

            with output.Followers(cluster, self.id, emit) as followers:
                try:
                    found, pods = self._watch(cluster, followers)
                    followers.finish(pods, several=several)
                except (KeyboardInterrupt, BrokenPipeError):
                    self._end(cluster)
                    self._collect(cluster, Ending(status="cancelled"), [])
                    raise
        self._collect(cluster, found, pods)

    def _watch(self, cluster: api.Cluster, followers: output.Followers) -> tuple[Ending, list[Object]]:
        """Ask the cluster until the run has ended; says once what keeps it from beginning."""
        said: set[str] = set()
        pause, answered = SHORTEST, time.monotonic()
        while True:
            try:
                job, pods = cluster.job(self.job), self._pods(cluster)
                answered = time.monotonic()
            except ClusterError as error:
                if error.status in api.REFUSED or time.monotonic() - answered > SILENCE:
                    again = f"the run goes on; python -m builder runs adopt {self.id}"
                    raise ClusterError(error.message, hint=again, status=error.status) from None
                time.sleep(pause)
                continue
            followers.update(pods, several=self.plan.nodes > 1)
            if found := self._ending(job, pods) or self._stuck(cluster, pods, said):
                return found, pods
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _stuck(self, cluster: api.Cluster, pods: list[Object], said: set[str]) -> Ending | None:
        """Say what keeps pods from beginning; a run without hope is ended, as it would hold its resources for ever."""
        if pods and all(map(state.has_begun, pods)):
            return None
        found = list(state.obstacles(pods)) or [(False, text) for text in cluster.warnings(self.id)]
        for is_hopeless, text in found:
            if is_hopeless:
                self._deleted(cluster)
                hint = "" if self.target.pull_secret else "; a private registry needs --pull-secret"
                return Ending(status="failed", reason=f"{text}{hint}", finished=now())
            if text not in said:
                said.add(text)
                print(f"{self.id}: {text}", file=sys.stderr)
        return None

    def _end(self, cluster: api.Cluster) -> None:
        """Delete the job, and wait until its pods are gone."""
        (self.directory / CANCELLED).touch()
        self._deleted(cluster)

    def _deleted(self, cluster: api.Cluster) -> None:
        cluster.delete(self.job)
        limit = time.monotonic() + self.plan.limits.grace + local.PATIENCE
        until(lambda: cluster.job(self.job) is None, limit)

    def _save_log(self, cluster: api.Cluster, pods: list[Object]) -> None:
        data = output.whole(cluster, self.id, pods, several=self.plan.nodes > 1)
        (self.directory / LOG).write_bytes(data)

    def _collect(self, cluster: api.Cluster, found: Ending, pods: list[Object]) -> None:
        """Write how the run ended, keep its log, and forget its secrets; a second time changes nothing."""
        record = self.record
        if record.is_final:
            return
        with contextlib.suppress(ClusterError):
            if not (self.directory / LOG).exists():
                self._save_log(cluster, pods)
        write(
            self.directory,
            replace(
                record,
                status=found.status,
                reason=found.reason,
                started=found.started or record.started,
                finished=found.finished or now(),
                exit_code=found.exit_code,
            ),
        )
        if record.plan.secrets:
            names = {"name": f"{self.id}-secrets", "namespace": cluster.namespace}
            with contextlib.suppress(ClusterError):
                cluster.delete({"apiVersion": "v1", "kind": "Secret", "metadata": names})


def until(is_so: Callable[[], bool], limit: float) -> None:
    """Wait until it is so, but not past the limit, a time of the monotonic clock."""
    while not is_so() and time.monotonic() < limit:
        time.sleep(SHORTEST)
