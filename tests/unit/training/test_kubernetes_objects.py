"""The objects of a run pass the published schemas, and carry the run as it was planned."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kubeflow import training as published
from kubernetes_validate.utils import latest_version, validate

from builder.errors import InputError
from builder.training import KubernetesTarget
from builder.training.kubernetes.jobs import master_of, objects
from builder.training.request.distribution import Topology
from builder.training.request.plan import SOURCE, Limits, Mount, RunImage, RunPlan, Snapshot

DIGEST = "sha256:" + "1" * 64
PLAN = RunPlan(
    image=RunImage(
        reference="1.4-gpu",
        digest=DIGEST,
        device="gpu",
        cell="pytorch/1.4.0-gpu-debian12",
        repository="r.example/pytorch",
    ),
    snapshot=Snapshot(sha256="2" * 64, files=1, size=10, path="/tmp/x"),
    command=("python", "train.py", "--name", "a b $(HOME) $HOME $$"),
    environment=(("PRICE", "$5 $(PATH)"),),
    inputs=(
        Mount(source="pvc://data/images", target="/training/inputs/images"),
        Mount(source="/mnt/x", target="/training/inputs/x"),
    ),
    secrets=(("TOKEN", "/home/me/token"),),
    limits=Limits(shm=2**31, seconds=600, memory=2**33, cpus=1.5, gpus=True),
)
TARGET = KubernetesTarget(
    namespace="team", pull_secret="pull", outputs_claim="results", node_selector=(("pool", "gpu"),)
)
FILES = {"start.json": "{}"}
MPI_FIELDS = {"slotsPerWorker", "sshAuthMountPath", "launcherCreationPolicy", "runPolicy", "mpiReplicaSpecs"}
"""Of v2beta1, by the operator's CustomResourceDefinition."""


def made(plan: RunPlan = PLAN, target: KubernetesTarget = TARGET) -> dict[str, dict[str, Any]]:
    found = objects(plan, target, "run-1", files=FILES, archive=b"packed")
    return {one["kind"]: one for one in found}


def several(backend: Any, nodes: int = 3) -> RunPlan:
    topology = Topology(
        backend=backend, nodes=nodes, processes_per_node=2, master_address=master_of("run-1", "PyTorchJob")
    )
    return replace(PLAN, topology=topology)


def valid_pod(template: dict[str, Any]) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", **template["metadata"]},
        "spec": template["spec"],
    }
    validate(pod, latest_version(), strict=True)


def test_one_node_is_a_job_of_the_published_schema() -> None:
    for one in made().values():
        validate(one, latest_version(), strict=True)
    spec = made()["Job"]["spec"]
    assert spec["activeDeadlineSeconds"] == 600
    assert spec["backoffLimit"] == 0
    main = spec["template"]["spec"]["containers"][0]
    assert main["image"] == f"r.example/pytorch@{DIGEST}"
    assert main["resources"]["limits"] == {"cpu": "1500m", "memory": str(2**33), "nvidia.com/gpu": "1"}
    assert {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": str(2**31)}} in spec["template"]["spec"][
        "volumes"
    ]
    assert spec["template"]["spec"]["imagePullSecrets"] == [{"name": "pull"}]


def expanded(text: str) -> str:
    """What a container gets of a text in which no reference is known to Kubernetes."""
    return text.replace("$$", "\0").replace("\0", "$")


def test_dollars_arrive_as_they_are() -> None:
    main = made()["Job"]["spec"]["template"]["spec"]["containers"][0]
    assert main["command"] == ["python", "/training/control/launch.py", "node", "0"]
    assert {one["name"]: expanded(one["value"]) for one in main["env"]}["PRICE"] == "$5 $(PATH)"
    assert "$(" not in "".join(main["command"]).replace("$$", "")


def test_no_value_of_a_secret_is_in_an_object() -> None:
    pod = made()["Job"]["spec"]["template"]["spec"]
    assert {"name": "TOKEN_FILE", "value": "/run/secrets/TOKEN"} in pod["containers"][0]["env"]
    assert "/home/me" not in str(made())


def test_several_nodes_are_a_pytorch_job_of_the_published_model() -> None:
    found = made(several("gloo"))["PyTorchJob"]
    client: Any = vars(published)["ApiClient"]()
    model = client.deserialize(SimpleNamespace(data=json.dumps(found)), "KubeflowOrgV1PyTorchJob")
    assert client.sanitize_for_serialization(model) == found, "a field that the model does not know"
    assert {kind: one["replicas"] for kind, one in found["spec"]["pytorchReplicaSpecs"].items()} == {
        "Master": 1,
        "Worker": 2,
    }
    for replica in found["spec"]["pytorchReplicaSpecs"].values():
        valid_pod(replica["template"])
        assert [one["name"] for one in replica["template"]["spec"]["containers"]] == ["pytorch"]


def test_several_nodes_under_mpi_are_an_mpi_job() -> None:
    found = made(several("mpi"))["MPIJob"]
    assert found["spec"].keys() == MPI_FIELDS
    replicas = found["spec"]["mpiReplicaSpecs"]
    assert {kind: one["replicas"] for kind, one in replicas.items()} == {"Launcher": 1, "Worker": 3}
    for replica in replicas.values():
        valid_pod(replica["template"])
    assert "nvidia.com/gpu" not in str(replicas["Launcher"]["template"]["spec"]["containers"][0]["resources"])
    assert replicas["Worker"]["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"


def test_an_image_that_no_cluster_can_pull_is_refused() -> None:
    with pytest.raises(InputError, match="only this engine has the image") as caught:
        made(replace(PLAN, image=replace(PLAN.image, repository=None)))
    assert "push" in str(caught.value.hint)


def test_a_source_that_does_not_fit_needs_a_claim() -> None:
    with pytest.raises(InputError, match="1,000,000 bytes when packed") as caught:
        objects(PLAN, TARGET, "run-1", files=FILES, archive=b"x" * 1_000_000)
    assert "--source-claim" in str(caught.value.hint)
    claimed = replace(TARGET, source_claim="code/project")
    pod = made(target=claimed)["Job"]["spec"]["template"]["spec"]
    assert pod["initContainers"] == []
    assert {"name": "source", "mountPath": SOURCE, "readOnly": True, "subPath": "project"} in pod["containers"][0][
        "volumeMounts"
    ]
