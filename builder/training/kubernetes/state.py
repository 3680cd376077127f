"""Reads what the cluster reports of a run: whether and how it ended, and why it does not begin. Pure functions.

Conditions of a Job: https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions; those of
Kubeflow's jobs are Succeeded and Failed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builder.training.kubernetes.jobs import MPI, kind_of
from builder.training.kubernetes.pods import Object
from builder.training.launcher.instructions import TIMED_OUT
from builder.training.records.record import Status
from builder.training.request.plan import RunPlan

DONE = ("Complete", "Succeeded")
HOPELESS = ("ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
"""The kubelet cannot pull the image, and tries again for ever."""
USUAL = ("ContainerCreating", "PodInitializing")
MAIN = ("training", "pytorch", "launcher", "worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended. Times are as the cluster writes them; None when it gives none."""

    status: Status
    exit_code: int | None = None
    reason: str | None = None
    started: str | None = None
    finished: str | None = None


def ending(job: Object | None, pods: Sequence[Object], plan: RunPlan, *, cancelled: bool) -> Ending | None:
    """How the run ended; None while it goes on."""
    if job is None:
        if cancelled:
            return Ending(status="cancelled")
        return Ending(status="lost", reason="its job is gone from the cluster, and nobody saw how it ended")
    status = job.get("status") or {}
    known = {one["type"]: one for one in status.get("conditions") or () if one.get("status") == "True"}
    done = next((known[name] for name in DONE if name in known), None)
    over = done or known.get("Failed")
    if over is None:
        return None
    started = status.get("startTime")
    finished = status.get("completionTime") or over.get("lastTransitionTime")
    how = Ending(status="completed", exit_code=0) if done else failure(over, pods, plan)
    return Ending(
        status="cancelled" if cancelled and not done else how.status,
        exit_code=how.exit_code,
        reason=how.reason,
        started=started,
        finished=finished,
    )


def failure(condition: Object, pods: Sequence[Object], plan: RunPlan) -> Ending:
    """Why a job failed. Its first failed container tells, unless the cluster itself ended the job."""
    limit = plan.limits.seconds
    if condition.get("reason") == "DeadlineExceeded":
        return Ending(status="timed out", exit_code=TIMED_OUT, reason=f"it took longer than {limit} s")
    found = sorted(failed(pods, plan), key=lambda one: str(one[1].get("finishedAt") or ""))
    if not found:
        evicted = next((said for pod in pods if (said := pod_message(pod))), None)
        return Ending(status="failed", reason=evicted or str(condition.get("message") or "") or None)
    pod, end = found[0]
    code = int(end["exitCode"])
    if end.get("reason") == "OOMKilled":
        return Ending(status="out of memory", exit_code=code, reason=f"pod {pod} needed more than it may have")
    if limit is not None and code == TIMED_OUT:
        return Ending(status="timed out", exit_code=code, reason=f"it took longer than {limit} s")
    where = f"pod {pod} ended first, with exit code {code}" if plan.nodes > 1 else None
    return Ending(status="failed", exit_code=code, reason=str(end.get("message") or "") or where)


def failed(pods: Sequence[Object], plan: RunPlan) -> Iterator[tuple[str, Object]]:
    """The pods with a failed container, and the state of it. Under MPI only the launcher counts."""
    judges = ("launcher",) if kind_of(plan) == MPI else MAIN
    for pod in pods:
        for kind in ("initContainerStatuses", "containerStatuses"):
            for one in (pod.get("status") or {}).get(kind) or ():
                end = (one.get("state") or {}).get("terminated")
                if end and end.get("exitCode") and (one["name"] in judges or kind.startswith("init")):
                    yield str(pod["metadata"]["name"]), end


def pod_message(pod: Object) -> str | None:
    """Why the cluster ended a pod, e.g. `Evicted: The node was low on resource: memory`; None when it did not."""
    status = pod.get("status") or {}
    if status.get("phase") != "Failed":
        return None
    said = [str(status[key]) for key in ("reason", "message") if status.get(key)]
    return f"pod {pod['metadata']['name']}: {': '.join(said)}" if said else None


def container_of(pod: Object) -> str:
    """The name of the training container."""
    return next(str(one["name"]) for one in pod["spec"]["containers"] if one["name"] in MAIN)


def state_of(pod: Object) -> Object:
    """The state of the training container, e.g. `{"running": {...}}`; empty when it has none."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((dict(one.get("state") or {}) for one in statuses if one["name"] in MAIN), {})


def has_begun(pod: Object) -> bool:
    """Whether the training container has begun, and so has a log."""
    return bool(state_of(pod).keys() & {"running", "terminated"})


def is_running(pod: Object) -> bool:
    return "running" in state_of(pod)


def obstacles(pods: Sequence[Object]) -> Iterator[tuple[bool, str]]:
    """Why pods do not begin, in the cluster's words. The first value tells whether they never will."""
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status") or {}
        for one in status.get("conditions") or ():
            if one.get("type") == "PodScheduled" and one.get("status") == "False":
                yield False, f"pod {name} waits for a node: {one.get('message') or one.get('reason')}"
        for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
            waiting = (one.get("state") or {}).get("waiting") or {}
            if (reason := waiting.get("reason")) and reason not in USUAL:
                yield reason in HOPELESS, f"pod {name}: {reason}: {waiting.get('message') or one.get('image')}"
