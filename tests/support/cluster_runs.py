"""Runs on a cluster: one that is submitted to a server, and what the cluster does with one that ends well."""

import threading
from collections.abc import Callable
from typing import Any

from builder.training import KubernetesTarget, PyTorch
from builder.training.kubernetes.run import ClusterRun
from tests.support.cluster_state import ApiServer, ended, pod, printed
from tests.support.polling import until

IMAGE = "r.example/team/image@sha256:" + "1" * 64
FLAGS = ["run", "--entry=train.py", f"--image={IMAGE}"]
SECRET = "correct horse battery staple"


def submitted(server: ApiServer, *, secrets: bool = False, target: Any = None, **values: Any) -> ClusterRun:
    here = server.kubeconfig.parent
    target = target or KubernetesTarget(
        namespace="team", kubeconfig=str(server.kubeconfig), secrets={"TOKEN": here / "token"} if secrets else {}
    )
    given = {"entry_script": "train.py", "custom_docker_image": IMAGE, **values}
    run = PyTorch(here / "source", compute_target=target, framework_version=None, **given).submit()
    assert isinstance(run, ClusterRun)
    return run


def once(condition: Callable[[], object], work: Callable[[], object]) -> None:
    """Do the work, beside the caller, as soon as the condition is true."""

    def watch() -> None:
        try:
            until(condition, 10, "what the cluster waits for")
        finally:  # or the run would wait for ever
            work()

    threading.Thread(target=watch, daemon=True).start()


def once_seen(server: ApiServer, request: str, work: Callable[[], object]) -> None:
    """Do the work after two more such requests: who asks again has read the first answer."""
    wanted = server.seen.count(request) + 2
    once(lambda: server.seen.count(request) >= wanted, work)


def completes(*lines: str) -> Any:
    """What a cluster does with a job that trains and ends well."""

    def begun(server: ApiServer, job: dict[str, Any]) -> None:
        name = f"{job['metadata']['name']}-abcde"
        server.pods = [pod(name, terminated=ended(0))]
        server.logs[name] = [printed(*lines)]
        server.ends()

    return begun
