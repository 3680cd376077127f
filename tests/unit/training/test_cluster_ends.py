"""How runs on a cluster go on and end: logs, obstacles, failures, cancelling, another process."""

import dataclasses
from typing import Any

import pytest

from builder.__main__ import main
from builder.training import Gloo
from builder.training.find import run_of
from builder.training.kubernetes.run import ClusterRun
from builder.training.kubernetes.submit import repeated
from tests.support.cluster_runs import completes, once, once_seen, submitted
from tests.support.cluster_state import RESET, ApiServer, ended, pod, printed

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.parametrize(
    ("end", "condition", "status", "code", "reason"),
    [
        (ended(3), {}, "failed", 3, None),
        (ended(137, reason="OOMKilled"), {}, "out of memory", 137, "needed more"),
        (ended(124), {}, "timed out", 124, "longer than 60 s"),
        (ended(143), {"reason": "DeadlineExceeded"}, "timed out", 124, "longer than 60 s"),
        (ended(128, message="exec: python: not found"), {}, "failed", 128, "not found"),
    ],
)
def test_how_a_run_failed(
    end: Any, condition: Any, status: str, code: int, reason: str | None, server: ApiServer
) -> None:
    def begun(server: ApiServer, job: dict[str, Any]) -> None:
        server.pods = [pod(f"{job['metadata']['name']}-x", terminated=end)]
        server.ends("Failed", **condition)

    server.begun = begun
    run = submitted(server, max_run_duration_seconds=60)
    assert run.wait(show_output=False) == code
    assert (run.status, run.exit_code) == (status, code)
    assert (reason or "") in (run.record.reason or "")


def test_an_image_that_cannot_be_pulled_ends_the_run(server: ApiServer) -> None:
    def begun(server: ApiServer, job: dict[str, Any]) -> None:
        waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image: 401 Unauthorized"}
        server.pods = [pod(f"{job['metadata']['name']}-x", waiting=waiting)]

    server.begun = begun
    run = submitted(server)
    assert run.wait() == 1
    assert run.status == "failed"
    assert "401 Unauthorized; a private registry needs --pull-secret" in str(run.record.reason)
    assert server.objects == {}


def test_why_a_run_does_not_begin_is_said_once(server: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    def begun(server: ApiServer, job: dict[str, Any]) -> None:
        server.events = ["exceeded quota: gpus"]
        once_seen(server, "GET events", lambda: scheduled(server, job))

    def scheduled(server: ApiServer, job: dict[str, Any]) -> None:
        waiting = pod(f"{job['metadata']['name']}-x")
        waiting["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: no gpu"}]
        server.pods = [waiting]
        once_seen(server, "GET pods", lambda: completes("late")(server, job))

    server.begun = begun
    assert submitted(server).wait() == 0
    out, err = capfd.readouterr()
    assert out == "late\n"
    assert (err.count("exceeded quota"), err.count("0/3 nodes: no gpu")) == (1, 1)


def test_a_log_that_breaks_is_read_on(server: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    def begun(server: ApiServer, job: dict[str, Any]) -> None:
        name = f"{job['metadata']['name']}-x"
        server.pods = [pod(name, running={})]
        server.logs[name] = [printed("a", "b"), printed("c", first=2), printed("d", first=3)]
        server.faults["GET jobs"] = [500, RESET]
        once(lambda: len(server.logs[name]) == 1 and not server.faults["GET jobs"], lambda: over(server, name))

    def over(server: ApiServer, name: str) -> None:
        server.pods = [pod(name, terminated=ended(0))]
        server.ends()

    server.begun = begun
    assert submitted(server).wait() == 0
    assert capfd.readouterr().out == "a\nb\nc\nd\n"


def test_ctrl_c_deletes_everything(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run = submitted(server, secrets=True)
    server.pods = [pod(f"{run.id}-x", running={})]

    def interrupted(_seconds: float) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr("builder.training.kubernetes.run.time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.wait()
    assert server.objects == {}
    assert run.record.status == "cancelled"


def test_another_process_finds_it_stops_it_and_repeats_it(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = submitted(server, secrets=True)
    server.pods = [pod(f"{run.id}-x", running={})]
    server.logs[f"{run.id}-x"] = [printed("going on")]
    found = run_of(run.directory)
    assert isinstance(found, ClusterRun)
    assert found.settings.context == "here"
    assert found.status == "running"
    assert found.logs() == "going on\n"
    monkeypatch.setattr("builder.training.find.with_container", set)
    assert main(["runs", "stop", "last"]) == 0
    assert "cancelled" in capfd.readouterr().err
    assert server.objects == {}
    assert found.logs() == "going on\n"
    server.begun = completes("again")
    assert main(["rerun", "last"]) == 0
    assert "again" in capfd.readouterr().out
    again = repeated(found, run.directory.parent)
    assert dataclasses.replace(again.plan) == found.plan


def test_logs_are_watched_beside_whoever_follows(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Until the end of the job, which is left as it is."""
    monkeypatch.setattr("builder.training.find.with_container", set)
    run = submitted(server, node_count=2, distributed_training=Gloo())
    names = [f"{run.id}-{one}" for one in ("master-0", "worker-0")]
    server.pods = [pod(name, "pytorch", running={}) for name in names]
    server.logs = {name: [printed(f"[{rank}] hello")] for rank, name in enumerate(names)}
    once_seen(server, "GET pytorchjobs", lambda: server.ends("Succeeded"))
    assert main(["runs", "logs", "-f", "--rank=1", "last"]) == 0
    assert capfd.readouterr().out == "hello\n"
    assert run.record.status == "submitted"
    assert server.objects


def test_a_job_that_somebody_deleted_is_lost(server: ApiServer) -> None:
    run = submitted(server)
    server.objects.clear()
    assert run.wait() == 1
    assert run.status == "lost"
