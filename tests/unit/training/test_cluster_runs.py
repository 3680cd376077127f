"""Runs on a cluster, through the real Kubernetes client, against an API server in this process."""

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from builder.errors import ClusterError, InputError
from builder.training import Gloo, Input, KubernetesTarget, Mpi
from builder.training.kubernetes.settings import ClusterSettings, from_record
from tests.support.cluster_runs import SECRET, completes, submitted
from tests.support.cluster_state import LOST, RESET, ApiServer, ended, pod, printed

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_a_run_is_created_whole_followed_and_recorded(server: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    server.begun = completes("step 1", "done é")
    run = submitted(server, secrets=True, inputs=[Input(name="data", path="pvc://sets/a b")], script_params={"-n": 3})
    assert server.the("Job")["spec"]["suspend"] is False
    assert server.named("ConfigMap") == [f"{run.id}-control", f"{run.id}-source"]
    assert base64.b64decode(server.the("Secret")["data"]["TOKEN"]).decode() == SECRET
    for body in server.objects.values():
        owners = [one["name"] for one in body["metadata"].get("ownerReferences", ())]
        assert owners == ([] if body["kind"] == "Job" else [run.id])
    assert run.wait() == 0
    out, err = capfd.readouterr()
    assert out == "step 1\ndone é\n"
    assert run.status == "completed"
    assert run.logs() == out
    assert (run.record.started, run.record.finished) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z")
    assert server.named("Secret") == [], "a run that is over needs no secret"
    kept = "".join(file.read_text("utf-8", "replace") for file in run.directory.rglob("*") if file.is_file())
    assert SECRET not in kept + out + err
    with pytest.raises(InputError, match="--outputs-claim"):
        _ = run.outputs


def test_the_record_keeps_what_of_the_cluster_a_run_uses() -> None:
    target = KubernetesTarget(namespace="team", node_selector=(("pool", "gpu"),), cpus=1.5, insecure_registries=("r",))
    found = target.to_record()
    assert list(found) == [
        *("namespace", "context", "kubeconfig", "registry", "pull_secret", "service_account", "outputs_claim"),
        *("source_claim", "node_selector", "keep_seconds", "memory", "cpus", "repository", "source_limit"),
    ]
    settings = ClusterSettings(namespace="team", node_selector=(("pool", "gpu"),), cpus=1.5)
    assert from_record(json.loads(json.dumps(found))) == settings


def test_the_source_arrives_with_places_for_what_it_writes(server: ApiServer) -> None:
    submitted(server)
    body = next(one for (_, name), one in server.objects.items() if name.endswith("-source"))
    archive = base64.b64decode(body["binaryData"]["source.tar.gz"])
    with tarfile.open(fileobj=io.BytesIO(archive)) as found:
        assert found.getnames() == ["logs", "outputs", "train.py"]
        assert {(one.mtime, one.uid, one.uname) for one in found} == {(0, 0, "")}


def test_pods_of_several_nodes_are_told_apart(server: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    def begun(server: ApiServer, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        server.pods = [pod(f"{name}-{one}", "pytorch", terminated=ended(0)) for one in ("master-0", "worker-0")]
        server.logs = {one["metadata"]["name"]: [printed("hello")] for one in server.pods}
        server.pods.append(pod(f"{name}-worker-1", "pytorch", running={}))
        server.ends("Succeeded")

    server.begun = begun
    run = submitted(server, node_count=2, distributed_training=Gloo())
    control = next(one for (_, name), one in server.objects.items() if name.endswith("-control"))
    ranks = json.loads(control["data"]["launch.json"])["ranks"]
    assert [one["MASTER_ADDR"] for one in ranks] == [f"{run.id}-master-0"] * 2
    assert run.wait() == 0
    assert sorted(capfd.readouterr().out.splitlines()) == ["[master-0] hello", "[worker-0] hello"]


def test_mpi_waits_for_its_workers_and_finds_them_by_the_hostfile(server: ApiServer) -> None:
    submitted(server, node_count=2, distributed_training=Mpi())
    spec = server.the("MPIJob")["spec"]
    commands = {
        role: one["template"]["spec"]["containers"][0]["command"] for role, one in spec["mpiReplicaSpecs"].items()
    }
    assert spec["launcherCreationPolicy"] == "WaitForWorkersReady"
    assert commands["Launcher"] == ["python", "/training/control/launch.py", "node", "0"]
    assert commands["Worker"][0] == "/usr/sbin/sshd"
    contexts = [one["template"]["spec"]["securityContext"] for one in spec["mpiReplicaSpecs"].values()]
    assert contexts == [{"runAsNonRoot": True}] * 2, "an image of others could be root's"
    control = next(one for (_, name), one in server.objects.items() if name.endswith("-control"))
    plan = json.loads(control["data"]["launch.json"])
    assert "--host" not in plan["starts"][0]
    assert plan["ranks"][0]["MASTER_ADDR"] == "$LAUNCH_FIRST_HOST"


@pytest.mark.parametrize(
    ("what", "status"),
    [
        *(("POST jobs", 403), ("POST configmaps", 500), ("POST secrets", RESET), ("PATCH jobs", 500)),
        *(("POST jobs", LOST), ("POST configmaps", LOST), ("PATCH jobs", LOST)),
    ],
)
def test_an_error_half_way_leaves_nothing(what: str, status: int, server: ApiServer, tmp_path: Path) -> None:
    server.faults[what] = [status]
    with pytest.raises(ClusterError) as caught:
        submitted(server, secrets=True)
    assert server.objects == {}
    assert [path for path in (tmp_path / "runs").iterdir() if path.name != "snapshots"] == []
    assert ("auth can-i" if status == 403 else "cluster-info") in str(caught.value.hint)
    assert SECRET not in caught.value.message


def test_an_object_of_others_is_not_deleted(server: ApiServer) -> None:
    server.faults["POST configmaps"] = [409]
    with pytest.raises(ClusterError, match="409"):
        submitted(server)
    assert server.seen.count("DELETE configmaps") == 0
    assert server.objects == {}


def test_what_could_not_be_removed_is_named(server: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    server.faults = {"POST configmaps": [500], "DELETE jobs": [500]}
    with pytest.raises(ClusterError):
        submitted(server)
    assert "kubectl delete job train-" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("backend", "kind", "operator"), [(Gloo(), "PyTorchJob", "Training"), (Mpi(), "MPIJob", "MPI")]
)
def test_a_missing_operator_is_named(backend: Any, kind: str, operator: str, server: ApiServer) -> None:
    server.faults[f"POST {kind.lower()}s"] = [404]
    with pytest.raises(ClusterError, match=f"knows no {kind}") as caught:
        submitted(server, node_count=2, distributed_training=backend)
    assert f"{operator} Operator" in str(caught.value.hint)


def test_a_namespace_that_is_not_there_is_named(server: ApiServer) -> None:
    target = KubernetesTarget(namespace="elsewhere", kubeconfig=str(server.kubeconfig))
    with pytest.raises(ClusterError, match="elsewhere"):
        submitted(server, target=target)


def test_no_kubeconfig_and_no_cluster(server: ApiServer, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no kubeconfig"):
        submitted(server, target=KubernetesTarget(kubeconfig=str(tmp_path / "none")))
    closed = tmp_path / "closed"
    closed.write_text(server.kubeconfig.read_text().split("server: ")[0] + "server: http://127.0.0.1:1\n" + TAIL)
    with pytest.raises(ClusterError, match=r"does not answer.*refused"):
        submitted(server, target=KubernetesTarget(kubeconfig=str(closed)))


def test_the_client_may_be_missing(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "kubernetes", None)
    with pytest.raises(ClusterError, match="not installed") as caught:
        submitted(server)
    assert "pip install 'kubernetes>=35'" in str(caught.value.hint)


TAIL = "".join(
    f"{line}\n"
    for line in (
        "  name: c",
        "contexts: [{name: here, context: {cluster: c, user: u}}]",
        "current-context: here",
        "kind: Config",
        "users: [{name: u, user: {token: t}}]",
    )
)
