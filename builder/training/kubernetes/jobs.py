"""The objects of a run: a Job, a PyTorchJob or an MPIJob, and the ConfigMaps it reads; pure.

PyTorchJob: https://www.kubeflow.org/docs/components/trainer/legacy-v1/user-guides/pytorch/
MPIJob v2beta1: https://github.com/kubeflow/mpi-operator/blob/master/pkg/apis/kubeflow/v2beta1/types.go
"""

import base64
from collections.abc import Mapping

from builder.errors import InputError
from builder.training.kubernetes.pods import ARCHIVE, Object, labels, template
from builder.training.kubernetes.settings import KubernetesTarget
from builder.training.launcher.instructions import FIRST_HOST, SSH, SSH_PORT, SSHD, node_command, numbered_by
from builder.training.request.plan import RunPlan

CONFIG_MAP_BYTES = 1024 * 1024
"""The most that a ConfigMap holds: https://kubernetes.io/docs/concepts/configuration/configmap/."""
MPI, PYTORCH, PLAIN = "MPIJob", "PyTorchJob", "Job"


def objects(
    plan: RunPlan,
    target: KubernetesTarget,
    name: str,
    *,
    files: Mapping[str, str],
    archive: bytes,
) -> list[Object]:
    """Everything the run needs but its secrets; the job is the last.

    `files` are what the launcher reads, itself among them; `archive` is the packed source.
    Raises InputError when the source is too large to travel with the job.
    """
    found = [config_map(target, f"{name}-control", name, data=dict(files))]
    if not target.source_claim:
        found.append(source(target, name, archive))
    return [*found, job(plan, target, name)]


def kind_of(plan: RunPlan) -> str:
    """The kind of object that runs: what several nodes need decides it."""
    if plan.nodes == 1:
        return PLAIN
    return MPI if plan.topology.backend == "mpi" else PYTORCH


def job(plan: RunPlan, target: KubernetesTarget, name: str) -> Object:
    """The object that runs."""
    make = {PLAIN: plain_job, PYTORCH: pytorch_job, MPI: mpi_job}[kind_of(plan)]
    return make(plan, target, name)


def source(target: KubernetesTarget, name: str, archive: bytes) -> Object:
    """The source as a ConfigMap; raises InputError when it does not fit."""
    packed = base64.b64encode(archive).decode()
    if len(packed) > CONFIG_MAP_BYTES * 9 // 10:
        raise InputError(
            f"the source is {len(archive):,} bytes when packed, more than a ConfigMap holds",
            hint="put it on a claim and name it: --source-claim CLAIM/PATH; or list what is not needed in .amlignore",
        )
    return config_map(target, f"{name}-source", name, binaryData={ARCHIVE: packed})


def config_map(target: KubernetesTarget, called: str, name: str, **content: Mapping[str, str]) -> Object:
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(target, called, name), "immutable": True}
    return {**found, **content}


def metadata(target: KubernetesTarget, called: str, name: str) -> Object:
    return {"name": called, "namespace": target.namespace, "labels": labels(name)}


def plain_job(plan: RunPlan, target: KubernetesTarget, name: str) -> Object:
    """A run on one node: it is never repeated by itself, as a half-done training may have written already."""
    spec: Object = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": target.keep_seconds,
        "template": template(plan, target, name, node_command(0)),
    }
    if plan.limits.seconds is not None:
        spec["activeDeadlineSeconds"] = plan.limits.seconds
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(target, name, name), "spec": spec}


def run_policy(plan: RunPlan, target: KubernetesTarget) -> Object:
    """What both operators of Kubeflow call the limits of a job."""
    found: Object = {
        "backoffLimit": 0,
        "cleanPodPolicy": "Running",
        "ttlSecondsAfterFinished": target.keep_seconds,
    }
    if plan.limits.seconds is not None:
        found["activeDeadlineSeconds"] = plan.limits.seconds
    return found


def pytorch_job(plan: RunPlan, target: KubernetesTarget, name: str) -> Object:
    """Several nodes that meet at the first: the operator gives each its number, in RANK, and the first a service."""
    # The operator looks for a container and a port of these names.
    pod = template(plan, target, name, numbered_by("RANK"), container="pytorch")
    pod["spec"]["containers"][0]["ports"] = [{"name": "pytorchjob-port", "containerPort": plan.topology.master_port}]
    replica = {"restartPolicy": "Never", "template": pod}
    replicas = {"Master": {"replicas": 1, **replica}, "Worker": {"replicas": plan.nodes - 1, **replica}}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": metadata(target, name, name),
        "spec": {"runPolicy": run_policy(plan, target), "pytorchReplicaSpecs": replicas},
    }


def master_of(name: str, kind: str) -> str:
    """Where the first node is: a service that the operator makes; what MPI's is called depends on its release."""
    return FIRST_HOST if kind == MPI else f"{name}-master-0"


def mpi_job(plan: RunPlan, target: KubernetesTarget, name: str) -> Object:
    """Several nodes under one mpirun: workers are SSH servers, and the launcher, which needs no GPU, starts them."""
    launcher = template(plan, target, name, node_command(0), container="launcher")
    launcher["spec"]["containers"][0]["resources"] = {"limits": {}}
    worker = template(plan, target, name, SSHD, container="worker")
    worker["spec"]["containers"][0]["ports"] = [{"name": "ssh", "containerPort": int(SSH_PORT)}]
    for pod in (launcher, worker):
        # An SSH server of root needs rights that no pod of a run has: such an image is refused by the node.
        pod["spec"].setdefault("securityContext", {"runAsNonRoot": True})
    return {
        "apiVersion": "kubeflow.org/v2beta1",
        "kind": "MPIJob",
        "metadata": metadata(target, name, name),
        "spec": {
            "slotsPerWorker": plan.processes_per_node,
            "sshAuthMountPath": SSH,
            # The launcher is never repeated, so it must find every worker the first time.
            "launcherCreationPolicy": "WaitForWorkersReady",
            "runPolicy": run_policy(plan, target),
            "mpiReplicaSpecs": {
                "Launcher": {"replicas": 1, "restartPolicy": "Never", "template": launcher},
                "Worker": {"replicas": plan.nodes, "restartPolicy": "Never", "template": worker},
            },
        },
    }
