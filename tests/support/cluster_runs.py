"""What the tests of runs on a cluster share: a server, a run submitted to it, and one that ends well."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.training import KubernetesTarget, PyTorch
from builder.training.kubernetes import run as handle
from builder.training.kubernetes.run import ClusterRun
from builder.training.records import record
from tests.support.cluster_http import serving
from tests.support.cluster_state import ApiServer, ended, pod, printed

IMAGE = "r.example/team/image@sha256:" + "1" * 64
FLAGS = ["run", "--entry=train.py", f"--image={IMAGE}"]
SECRET = "correct horse battery staple"


@pytest.fixture(name="server")
def a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text("print(1)\n")
    (tmp_path / "token").write_text(SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(record.HERE, str(tmp_path / "runs"))
    monkeypatch.setattr(handle, "SHORTEST", 0.01)
    monkeypatch.setattr(handle, "LONGEST_PAUSE", 0.02)
    with serving(tmp_path) as found:
        yield found


def submitted(server: ApiServer, *, secrets: bool = False, target: Any = None, **values: Any) -> ClusterRun:
    here = server.kubeconfig.parent
    target = target or KubernetesTarget(
        namespace="team", kubeconfig=str(server.kubeconfig), secrets={"TOKEN": here / "token"} if secrets else {}
    )
    given = {"entry_script": "train.py", "custom_docker_image": IMAGE, **values}
    run = PyTorch(here / "source", compute_target=target, framework_version=None, **given).submit()
    assert isinstance(run, ClusterRun)
    return run


def once_seen(server: ApiServer, request: str, work: Callable[[], object]) -> None:
    """Do the work, beside the caller, after two more such requests: who asks again has read the first answer."""
    wanted, limit = server.seen.count(request) + 2, time.monotonic() + 10

    def watching() -> None:
        while server.seen.count(request) < wanted and time.monotonic() < limit:
            time.sleep(0.005)
        work()

    threading.Thread(target=watching, daemon=True).start()


def completes(*lines: str) -> Any:
    """What a cluster does with a job that trains and ends well."""

    def begun(server: ApiServer, job: dict[str, Any]) -> None:
        name = f"{job['metadata']['name']}-abcde"
        server.pods = [pod(name, terminated=ended(0))]
        server.logs[name] = [printed(*lines)]
        server.ends()

    return begun
