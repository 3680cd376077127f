"""The pod of a run, in a Job, a PyTorchJob and an MPIJob alike: image by digest, no root, no shell, no token."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.errors import InputError
from builder.training.kubernetes.settings import CLAIM, ClusterSettings
from builder.training.launcher import instructions
from builder.training.request.plan import CONTROL, LOGS, OUTPUTS, SECRETS, SOURCE, Mount, RunPlan

Object = dict[str, Any]
PACKED = "/training/packed"
ARCHIVE = "source.tar.gz"
UNPACK = f"import tarfile; tarfile.open('{PACKED}/{ARCHIVE}').extractall('{SOURCE}')"
"""A ConfigMap holds one flat directory, so the source travels in it as an archive, made by us."""
TRAINER = 1000
"""The user of the images of the matrix. A custom image keeps its own user."""
GPU = "nvidia.com/gpu"


def template(
    plan: RunPlan, settings: ClusterSettings, name: str, command: Sequence[str], container: str = "training"
) -> Object:
    """The pod that runs `command`. Raises InputError when the image is in no registry."""
    pod: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": plan.limits.grace,
        "initContainers": [] if settings.source_claim else [unpacking(plan)],
        "containers": [main(plan, settings, name, command, container)],
        "volumes": list(volumes(plan, settings, name)),
    }
    if plan.image.cell:
        pod["securityContext"] = {
            "runAsNonRoot": True,
            "runAsUser": TRAINER,
            "runAsGroup": TRAINER,
            "fsGroup": TRAINER,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    if settings.pull_secret:
        pod["imagePullSecrets"] = [{"name": settings.pull_secret}]
    if settings.service_account:
        pod["serviceAccountName"] = settings.service_account
    if settings.node_selector:
        pod["nodeSelector"] = dict(settings.node_selector)
    return {"metadata": {"labels": labels(name)}, "spec": pod}


def labels(name: str) -> dict[str, str]:
    """The labels of every object of a run."""
    return {"app.kubernetes.io/managed-by": "framework-images", "framework-images.run": name}


def image(plan: RunPlan) -> str:
    """The image by digest. Raises InputError when it is in no registry."""
    if plan.image.repository is None:
        raise InputError(
            f"{plan.image.reference}: only this engine has the image, but a cluster pulls from a registry",
            hint="python -m builder push --registry HOST, then name that registry",
        )
    return f"{plan.image.repository}@{plan.image.digest}"


def main(plan: RunPlan, settings: ClusterSettings, name: str, command: Sequence[str], container: str) -> Object:
    """The container that trains."""
    return {
        "name": container,
        "image": image(plan),
        "command": [literal(word) for word in command],
        "workingDir": SOURCE,
        "env": [{"name": key, "value": literal(value)} for key, value in variables(plan).items()],
        "resources": {"limits": limits(plan)},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": list(mounts(plan, settings, name)),
    }


def literal(text: str) -> str:
    """The text, escaped: Kubernetes replaces $(NAME) in it, and turns $$ into $.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return text.replace("$", "$$")


def variables(plan: RunPlan) -> Mapping[str, str]:
    """The variables of every process. The launcher adds those of each rank."""
    return {**instructions.defaults(plan), **plan.shared_environment()}


def limits(plan: RunPlan) -> dict[str, str]:
    """The limits of the container, which are its requests too. Each process gets a GPU where GPUs are wanted."""
    found = {}
    if plan.limits.cpus is not None:
        found["cpu"] = f"{round(plan.limits.cpus * 1000)}m"
    if plan.limits.memory is not None:
        found["memory"] = str(plan.limits.memory)
    if plan.limits.gpus:
        found[GPU] = str(plan.processes_per_node)
    return found


def unpacking(plan: RunPlan) -> Object:
    """The container that unpacks the source before the run begins."""
    return {
        "name": "source",
        "image": image(plan),
        "command": ["python", "-c", UNPACK],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "packed", "mountPath": PACKED, "readOnly": True},
            {"name": "source", "mountPath": SOURCE},
        ],
    }


def volumes(plan: RunPlan, settings: ClusterSettings, name: str) -> Iterator[Object]:
    """The volumes by name: shared memory, source, control files, results, inputs, secrets."""
    # A pod has no --shm-size: a volume in memory takes its place.
    yield {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": str(plan.limits.shm)}}
    yield {"name": "control", "configMap": {"name": f"{name}-control"}}
    if settings.source_claim:
        claim = settings.source_claim.partition("/")[0]
        yield {"name": "source", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
    else:
        yield {"name": "packed", "configMap": {"name": f"{name}-source"}}
        yield {"name": "source", "emptyDir": {}}
    kept = settings.outputs_claim
    yield {"name": "results", **({"persistentVolumeClaim": {"claimName": kept}} if kept else {"emptyDir": {}})}
    for number, mount in enumerate(plan.inputs):
        yield {"name": f"input-{number}", **origin(mount)}
    if plan.secrets:
        # The group of a custom image is not known.
        mode = 0o440 if plan.image.cell else 0o444
        yield {"name": "secrets", "secret": {"secretName": f"{name}-secrets", "defaultMode": mode}}


def origin(mount: Mount) -> Object:
    """The source of an input: a claim, or a path of the node."""
    if mount.source.startswith(CLAIM):
        return {
            "persistentVolumeClaim": {
                "claimName": mount.source.removeprefix(CLAIM).partition("/")[0],
                "readOnly": mount.read_only,
            }
        }
    return {"hostPath": {"path": mount.source}}


def mounts(plan: RunPlan, settings: ClusterSettings, name: str) -> Iterator[Object]:
    """The paths of the volumes in the container."""
    yield {"name": "shm", "mountPath": "/dev/shm"}  # noqa: S108 (the container's)
    yield {"name": "control", "mountPath": CONTROL, "readOnly": True}
    path = (settings.source_claim or "").partition("/")[2]
    yield {"name": "source", "mountPath": SOURCE, "readOnly": True, **({"subPath": path} if path else {})}
    yield {"name": "results", "mountPath": OUTPUTS, "subPath": f"{name}/outputs"}
    yield {"name": "results", "mountPath": LOGS, "subPath": f"{name}/logs"}
    for number, mount in enumerate(plan.inputs):
        inside = mount.source.removeprefix(CLAIM).partition("/")[2] if mount.source.startswith(CLAIM) else ""
        place = {"name": f"input-{number}", "mountPath": mount.target, "readOnly": mount.read_only}
        yield {**place, **({"subPath": inside} if inside else {})}
    if plan.secrets:
        yield {"name": "secrets", "mountPath": SECRETS, "readOnly": True}
