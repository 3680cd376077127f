"""The state of an API server in this process, which stores what the published schemas allow.

It says of jobs, pods and logs what a test wants it to, and answers 404 to any path that no run uses.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kubernetes_validate.utils import latest_version, validate

KINDS = {
    "configmaps": "ConfigMap",
    "secrets": "Secret",
    "jobs": "Job",
    "pytorchjobs": "PyTorchJob",
    "mpijobs": "MPIJob",
}
Key = tuple[str, str]
Object = dict[str, Any]
RESET = -1
"""In place of a status: the connection is reset."""
LOST = -2
"""The request is carried out, and its answer is lost."""


@dataclass
class ApiServer:
    """What is stored, what went wrong on purpose, and what happens to a job that begins."""

    objects: dict[Key, Object] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """Every request, as `METHOD plural`."""
    faults: dict[str, list[int]] = field(default_factory=dict)
    """By `METHOD plural` the statuses of its next answers."""
    pods: list[Object] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    logs: dict[str, list[bytes]] = field(default_factory=dict)
    """By pod the parts of its log; a connection ends after each part but the last."""
    begun: Callable[["ApiServer", Object], None] = lambda _server, _job: None
    """Called when a job is no longer suspended."""
    kubeconfig: Path = Path()

    def named(self, kind: str) -> list[str]:
        return sorted(name for plural, name in self.objects if KINDS[plural] == kind)

    def the(self, kind: str) -> Object:
        (found,) = (body for (plural, _), body in self.objects.items() if KINDS[plural] == kind)
        return found

    def ends(self, kind: str = "Complete", **more: str) -> None:
        """Give the job its last condition."""
        job = next(body for (plural, _), body in self.objects.items() if plural.endswith("jobs"))
        condition = {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:09Z", **more}
        job["status"] = {"startTime": "2026-01-01T00:00:00Z", "conditions": [condition]}

    def post(self, plural: str, body: Object) -> tuple[int, Object]:
        # Objects that differ by the name of their run are checked once: a schema takes its time.
        run = body["metadata"]["labels"]["framework-images.run"]
        checked(json.dumps(body).replace(run, "run-1"), KINDS[plural])
        key = (plural, body["metadata"]["name"])
        if key in self.objects:
            return 409, failure(f'{plural} "{key[1]}" already exists')
        self.objects[key] = {**body, "metadata": {**body["metadata"], "uid": f"uid-of-{key[1]}"}}
        return 201, self.objects[key]

    def patch(self, plural: str, name: str, change: Object) -> tuple[int, Object]:
        body = self.objects[plural, name]
        merge(body, change)
        self.begun(self, body)
        return 200, body

    def delete(self, plural: str, name: str) -> tuple[int, Object]:
        owner = self.objects.pop((plural, name))["metadata"]["uid"]
        for key, body in list(self.objects.items()):
            if any(one["uid"] == owner for one in body["metadata"].get("ownerReferences", ())):
                del self.objects[key]
        if plural.endswith("jobs"):
            self.pods.clear()
        return 200, {"kind": "Status", "status": "Success"}


@cache
def checked(text: str, kind: str) -> None:
    """Raise when a posted object is not what the published schemas allow."""
    body = json.loads(text)
    assert body["kind"] == kind
    if body["apiVersion"] in ("v1", "batch/v1"):
        validate(body, latest_version(), strict=True)
        return
    specs = body["spec"].get("pytorchReplicaSpecs") or body["spec"]["mpiReplicaSpecs"]
    for replica in specs.values():
        template = replica["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": template["spec"]}
        validate(pod, latest_version(), strict=True)
    if kind == "PyTorchJob":
        from kubeflow import training as published

        client: Any = vars(published)["ApiClient"]()
        model = client.deserialize(SimpleNamespace(data=json.dumps(body)), "KubeflowOrgV1PyTorchJob")
        assert client.sanitize_for_serialization(model) == body, "a field that the model does not know"


def merge(body: Object, change: Object) -> None:
    """Change an object as RFC 7396 says."""
    for key, value in change.items():
        if isinstance(value, dict):
            merge(body.setdefault(key, {}), value)
        else:
            body[key] = value


def failure(message: str) -> Object:
    return {"kind": "Status", "status": "Failure", "message": message}


def pod(name: str, container: str = "training", role: str = "", **state: Any) -> Object:
    """A pod whose container is in that state: `running={}`, `terminated={...}`, `waiting={...}`; without, pending."""
    statuses = [{"name": container, "image": "i", "state": state}] if state else []
    metadata = {"name": name, "labels": {"role": role}}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": container}]},
        "status": {"containerStatuses": statuses},
    }


def ended(code: int, **more: Any) -> Object:
    return {"exitCode": code, "finishedAt": "2026-01-01T00:00:05Z", **more}


def printed(*lines: str, first: int = 0) -> bytes:
    """A log as the kubelet sends it, each line after its time."""
    stamp = "2026-01-01T00:00:{:02}.000000000Z {}\n"
    return "".join(stamp.format(second, line) for second, line in enumerate(lines, first)).encode()
