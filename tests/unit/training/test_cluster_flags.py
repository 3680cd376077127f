"""The flags that take a run to a cluster, or write it down for one."""

from pathlib import Path

import pytest
import yaml

from builder.__main__ import main
from builder.errors import BuilderError
from builder.training import KubernetesTarget, PyTorch
from builder.training.kubernetes.submit import archive_of
from tests.support.cluster_runs import FLAGS, IMAGE, SECRET
from tests.support.cluster_state import ApiServer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_the_same_snapshot_gives_the_same_archive(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "outputs").mkdir(parents=True)
        (tmp_path / name / "é x").write_text("1")
    assert archive_of(tmp_path / "a") == archive_of(tmp_path / "b")


def test_a_dry_run_prints_what_kubectl_applies(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    here = server.kubeconfig.parent
    flags = [*FLAGS, f"--source={here}/source", "--target=kubernetes", "--dry-run", "--namespace=team", "--gloo"]
    more = ["--nodes=2", "--input=d=pvc://sets/x", f"--secret=TOKEN={here}/token", "--pull-secret=pull"]
    assert main([*flags, *more, "--", "$(id)"]) == 0
    out, err = capsys.readouterr()
    assert [one["kind"] for one in yaml.safe_load_all(out)] == ["ConfigMap", "ConfigMap", "PyTorchJob"]
    assert "kubectl create secret generic train-" in err
    assert SECRET not in out + err
    assert server.seen == []


def test_an_export_is_a_command_job(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    source = server.kubeconfig.parent / "source"
    flags = [
        *FLAGS,
        f"--source={source}",
        "--export=azureml",
        "--compute=gpus",
        "--input=d=azureml://datastores/x/paths/y",
    ]
    assert main([*flags, "--", "-n", "3"]) == 0
    job = yaml.safe_load(capsys.readouterr().out)
    assert (job["compute"], job["environment"]["image"]) == ("azureml:gpus", IMAGE)
    assert (job["command"], job["code"]) == ("python train.py -n 3", str(source))


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--namespace=x"], "--namespace goes with --target kubernetes"),
        (["--dry-run"], "--dry-run goes with"),
        (["--export=azureml"], "--compute NAME go together"),
        (["--export=azureml", "--compute=c", "--cpus=1"], "--cpus means nothing"),
        (["--target=kubernetes", "--input=d=data"], "neither an absolute path of a node nor pvc://"),
        (["--input=d=pvc://x/y"], "is not on this machine"),
    ],
)
def test_flags_of_another_place_are_refused(
    flags: list[str], problem: str, server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*FLAGS, f"--source={server.kubeconfig.parent}/source", *flags]) == 125
    assert problem in capsys.readouterr().err


def test_a_row_needs_a_registry_that_the_cluster_pulls_from(server: ApiServer) -> None:
    target = KubernetesTarget(kubeconfig=str(server.kubeconfig))
    with pytest.raises(BuilderError, match="no registry is named"):
        PyTorch(
            server.kubeconfig.parent / "source", compute_target=target, entry_script="train.py", framework_version="1.4"
        ).submit()
