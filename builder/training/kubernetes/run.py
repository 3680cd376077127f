"""The handle of a run on a cluster: its directory says what it is, the cluster says how it goes."""

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
from builder.training.kubernetes.settings import ClusterSettings, from_record
from builder.training.kubernetes.state import Ending
from builder.training.records.record import Status, now, write
from builder.training.records.run import CANCELLED, LOG, PATIENCE, Run, Sink, append

SHORTEST, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two questions to the cluster. The pauses grow."""
SILENCE = 60.0
"""Seconds without an answer of the cluster after which the waiting ends."""
VERSIONS = {"Job": "batch/v1", "PyTorchJob": "kubeflow.org/v1", "MPIJob": "kubeflow.org/v2beta1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRun(Run):
    """A training run on a cluster."""

    @property
    def settings(self) -> ClusterSettings:
        """Where it runs."""
        return from_record(self.record.cluster or {})

    @property
    def job(self) -> Object:
        """The kind and the name of its job, enough to find or delete it."""
        kind = kind_of(self.plan)
        names = {"name": self.id, "namespace": self.settings.namespace}
        return {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": names}

    @property
    def outputs(self) -> Path:
        """Raises InputError: what the script wrote is on the cluster."""
        raise InputError(f"{self.id}: the outputs are not on this host: {self.outputs_place}")

    @property
    def outputs_place(self) -> str:
        claim = self.settings.outputs_claim
        return f"pvc://{claim}/{self.id}/outputs" if claim else "gone with the pods; --outputs-claim keeps them"

    @property
    def status(self) -> Status:
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

    def live_logs(self) -> bytes:
        """What the pods have printed, pod after pod. Raises ClusterError."""
        cluster = self._cluster()
        return self._log(cluster, self._pods(cluster))

    def cancel(self) -> None:
        """End the run: the cluster deletes its job, and all that the job owns."""
        if self.record.is_final:
            return
        cluster = self._cluster()
        pods = self._pods(cluster)
        if not (self.directory / LOG).exists():
            with contextlib.suppress(BuilderError):
                self._save_log(cluster, pods)
        self._cancel(cluster)
        with contextlib.suppress(InputError), self.attended():
            self._collect(cluster, Ending(status="cancelled"), [])
            return
        self.wait_for_record()

    def follow(self, sink: Sink) -> None:
        cluster, log = self._cluster(), self.directory / LOG
        with log.open("wb") as file:

            def emit(data: bytes) -> None:
                append(file.write, data, log)
                sink(False, data)

            with output.Followers(cluster, self.id, emit) as followers:
                try:
                    found, pods = self._watch(cluster, followers)
                    followers.finish(pods, several=self.plan.nodes > 1)
                except (KeyboardInterrupt, BrokenPipeError):
                    self._cancel(cluster)
                    self._collect(cluster, Ending(status="cancelled"), [])
                    raise
        self._collect(cluster, found, pods)

    def watch(self, sink: Sink) -> None:
        cluster = self._cluster()
        with output.Followers(cluster, self.id, lambda data: sink(False, data)) as followers:
            while True:
                job, pods = cluster.job(self.job), self._pods(cluster)
                followers.update(pods, several=self.plan.nodes > 1)
                if self.record.is_final or self._ending(job, pods):
                    followers.finish(pods, several=self.plan.nodes > 1)
                    return
                time.sleep(SHORTEST)

    def _cluster(self) -> api.Cluster:
        return api.connect(self.settings)

    def _pods(self, cluster: api.Cluster) -> list[Object]:
        return cluster.pods(f"framework-images.run={labels(self.id)['framework-images.run']}")

    def _ending(self, job: Object | None, pods: list[Object]) -> Ending | None:
        return state.ending(job, pods, self.plan, cancelled=(self.directory / CANCELLED).exists())

    def _watch(self, cluster: api.Cluster, followers: output.Followers) -> tuple[Ending, list[Object]]:
        """Ask the cluster until the run has ended. Why it does not begin is said once."""
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
            if found := self._ending(job, pods) or self._hopeless(cluster, pods, said):
                return found, pods
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _hopeless(self, cluster: api.Cluster, pods: list[Object], said: set[str]) -> Ending | None:
        """Say why pods do not begin. When they never will, delete the job, which would hold its resources for ever."""
        if pods and all(map(state.has_begun, pods)):
            return None
        found = list(state.obstacles(pods)) or [(False, text) for text in cluster.warnings(self.id)]
        for is_hopeless, text in found:
            if is_hopeless:
                self._delete_job(cluster)
                hint = "" if self.settings.pull_secret else "; a private registry needs --pull-secret"
                return Ending(status="failed", reason=f"{text}{hint}", finished=now())
            if text not in said:
                said.add(text)
                print(f"{self.id}: {text}", file=sys.stderr)
        return None

    def _cancel(self, cluster: api.Cluster) -> None:
        """Delete the job, and note that somebody asked for it."""
        (self.directory / CANCELLED).touch()
        self._delete_job(cluster)

    def _delete_job(self, cluster: api.Cluster) -> None:
        """Delete the job, and wait until its pods are gone."""
        cluster.delete(self.job)
        limit = time.monotonic() + self.plan.limits.grace + PATIENCE
        wait_until(lambda: cluster.job(self.job) is None, limit)

    def _log(self, cluster: api.Cluster, pods: list[Object]) -> bytes:
        return output.whole(cluster, self.id, pods, several=self.plan.nodes > 1)

    def _save_log(self, cluster: api.Cluster, pods: list[Object]) -> None:
        (self.directory / LOG).write_bytes(self._log(cluster, pods))

    def _collect(self, cluster: api.Cluster, found: Ending, pods: list[Object]) -> None:
        """Write how the run ended, keep its log, and delete its Secret. A second time changes nothing."""
        record = self.record
        if record.is_final:
            return
        with contextlib.suppress(ClusterError):
            if not (self.directory / LOG).exists():
                self._save_log(cluster, pods)
        ended = replace(
            record,
            status=found.status,
            reason=found.reason,
            started=found.started or record.started,
            finished=found.finished or now(),
            exit_code=found.exit_code,
        )
        write(self.directory, ended)
        if record.plan.secrets:
            names = {"name": f"{self.id}-secrets", "namespace": cluster.namespace}
            with contextlib.suppress(ClusterError):
                cluster.delete({"apiVersion": "v1", "kind": "Secret", "metadata": names})


def wait_until(is_so: Callable[[], bool], limit: float) -> None:
    """Wait until it is so, or until the limit, a time of the monotonic clock."""
    while not is_so() and time.monotonic() < limit:
        time.sleep(SHORTEST)
