"""The objects of a run: a Job, a PyTorchJob or an MPIJob, and the ConfigMaps that it reads. Pure functions.

PyTorchJob: https://www.kubeflow.org/docs/components/trainer/legacy-v1/user-guides/pytorch/
MPIJob v2beta1: https://github.com/kubeflow/mpi-operator/blob/master/pkg/apis/kubeflow/v2beta1/types.go
"""

import base64
from collections.abc import Mapping

from builder.errors import InputError
from builder.training.kubernetes.pods import ARCHIVE, Object, labels, template
from builder.training.kubernetes.settings import ClusterSettings
from builder.training.launcher.instructions import FIRST_HOST, SSH, SSH_PORT, SSHD, node_command, numbered_by
from builder.training.request.plan import RunPlan

CONFIG_MAP_BYTES = 1024 * 1024
"""The limit for a ConfigMap: https://kubernetes.io/docs/concepts/configuration/configmap/."""
MPI, PYTORCH, PLAIN = "MPIJob", "PyTorchJob", "Job"


def objects(
    plan: RunPlan,
    settings: ClusterSettings,
    name: str,
    *,
    files: Mapping[str, str],
    archive: bytes,
) -> list[Object]:
    """All objects of the run except its Secret; the job is the last.

    `files` are the launcher and what it reads, by name; `archive` is the packed source.
    Raises InputError when the source is too large for a ConfigMap.
    """
    found = [config_map(settings, f"{name}-control", name, data=dict(files))]
    if not settings.source_claim:
        found.append(source(settings, name, archive))
    return [*found, job(plan, settings, name)]


def kind_of(plan: RunPlan) -> str:
    """The kind of job: a plain one for one node; for several nodes, the backend decides."""
    if plan.nodes == 1:
        return PLAIN
    return MPI if plan.topology.backend == "mpi" else PYTORCH


def job(plan: RunPlan, settings: ClusterSettings, name: str) -> Object:
    """The job itself."""
    make = {PLAIN: plain_job, PYTORCH: pytorch_job, MPI: mpi_job}[kind_of(plan)]
    return make(plan, settings, name)


def source(settings: ClusterSettings, name: str, archive: bytes) -> Object:
    """The source as a ConfigMap. Raises InputError when it is too large."""
    packed = base64.b64encode(archive).decode()
    if len(packed) > CONFIG_MAP_BYTES * 9 // 10:
        raise InputError(
            f"the source is {len(archive):,} bytes when packed, more than a ConfigMap holds",
            hint="put it on a claim and name it: --source-claim CLAIM/PATH; or list what is not needed in .amlignore",
        )
    return config_map(settings, f"{name}-source", name, binaryData={ARCHIVE: packed})


def config_map(settings: ClusterSettings, called: str, name: str, **content: Mapping[str, str]) -> Object:
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(settings, called, name), "immutable": True}
    return {**found, **content}


def metadata(settings: ClusterSettings, called: str, name: str) -> Object:
    return {"name": called, "namespace": settings.namespace, "labels": labels(name)}


def plain_job(plan: RunPlan, settings: ClusterSettings, name: str) -> Object:
    """A run on one node. The cluster never repeats it, because the first try may have written outputs."""
    spec: Object = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": settings.keep_seconds,
        "template": template(plan, settings, name, node_command(0)),
    }
    if plan.limits.seconds is not None:
        spec["activeDeadlineSeconds"] = plan.limits.seconds
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(settings, name, name), "spec": spec}


def run_policy(plan: RunPlan, settings: ClusterSettings) -> Object:
    """The limits of a job, under the names that both operators of Kubeflow use."""
    found: Object = {
        "backoffLimit": 0,
        "cleanPodPolicy": "Running",
        "ttlSecondsAfterFinished": settings.keep_seconds,
    }
    if plan.limits.seconds is not None:
        found["activeDeadlineSeconds"] = plan.limits.seconds
    return found


def pytorch_job(plan: RunPlan, settings: ClusterSettings, name: str) -> Object:
    """Several nodes that meet at the first. The operator numbers them in RANK, and makes a service for the first."""
    # The operator looks for a container and a port with these names.
    pod = template(plan, settings, name, numbered_by("RANK"), container="pytorch")
    pod["spec"]["containers"][0]["ports"] = [{"name": "pytorchjob-port", "containerPort": plan.topology.master_port}]
    replica = {"restartPolicy": "Never", "template": pod}
    replicas = {"Master": {"replicas": 1, **replica}, "Worker": {"replicas": plan.nodes - 1, **replica}}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": metadata(settings, name, name),
        "spec": {"runPolicy": run_policy(plan, settings), "pytorchReplicaSpecs": replicas},
    }


def master_of(name: str, kind: str) -> str:
    """The address of the first node. Under MPI its name depends on the operator's release, so the hostfile tells it."""
    return FIRST_HOST if kind == MPI else f"{name}-master-0"


def mpi_job(plan: RunPlan, settings: ClusterSettings, name: str) -> Object:
    """Several nodes under one mpirun. The workers are SSH servers; the launcher runs mpirun and needs no GPU."""
    launcher = template(plan, settings, name, node_command(0), container="launcher")
    launcher["spec"]["containers"][0]["resources"] = {"limits": {}}
    worker = template(plan, settings, name, SSHD, container="worker")
    worker["spec"]["containers"][0]["ports"] = [{"name": "ssh", "containerPort": int(SSH_PORT)}]
    for pod in (launcher, worker):
        # An SSH server of root needs rights that our pods lack, so the node refuses an image that runs as root.
        pod["spec"].setdefault("securityContext", {"runAsNonRoot": True})
    return {
        "apiVersion": "kubeflow.org/v2beta1",
        "kind": "MPIJob",
        "metadata": metadata(settings, name, name),
        "spec": {
            "slotsPerWorker": plan.processes_per_node,
            "sshAuthMountPath": SSH,
            # The launcher is never repeated, so it must find every worker at once.
            "launcherCreationPolicy": "WaitForWorkersReady",
            "runPolicy": run_policy(plan, settings),
            "mpiReplicaSpecs": {
                "Launcher": {"replicas": 1, "restartPolicy": "Never", "template": launcher},
                "Worker": {"replicas": plan.nodes, "restartPolicy": "Never", "template": worker},
            },
        },
    }
