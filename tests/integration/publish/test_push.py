"""Pushing on a real engine to real registries: the verified digest arrives, and nothing is half published."""

import signal
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest

from builder.build import engine_export
from builder.build.progress import Display
from builder.errors import EngineError
from builder.host.cache import cache_directory
from builder.host.engine import labels
from builder.host.site import Site
from builder.matrix.promise import promise_in
from builder.matrix.reference import parse_registry
from builder.matrix.tags import Tags
from builder.publish import transfer
from builder.publish.publication import Publisher, VerifiedImage
from builder.publish.push import publish
from builder.publish.transfer import Place, Sent
from builder.registry import manifests
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from tests.support import registries
from tests.support.faulty_proxy import Fault, before
from tests.support.project import Project
from tests.support.push import push, push_command
from tests.support.registries import PASSWORD, Server, docker_config, image, published


def assert_nothing_left() -> None:
    assert list((cache_directory() / "tagsets").glob("*.json")) == []


def test_the_verified_digest_arrives(project: Project, server: Server, prefix: str, tmp_path: Path) -> None:
    local = project.tags()
    with registries.registry(tmp_path / "other") as other:
        done = push(project, f"{server.host}/{prefix}", other.host)
        assert done.code == 0, done.err
        assert published(server.host, f"{prefix}/{project.repository}") == local
        assert published(other.host, project.repository) == local
    first = done.images[0]
    assert (first["outcome"], first["digest"]) == ("pushed", local["1.0-cpu"])
    assert first["sent"] > 4_000_000
    again = push(project, f"{server.host}/{prefix}")
    assert (again.code, again.images[0]["outcome"], again.images[0]["sent"]) == (0, "unchanged", 0), again.err
    assert server.uploads() == []
    assert_nothing_left()


def test_what_is_not_verified_is_refused(project: Project, server: Server, prefix: str) -> None:
    refused = push(project, f"{server.host}/{prefix}", more=("--all",))
    assert refused.code == 1
    assert "2.0.0-cpu-debian12: no verified image of it: build" in refused.err
    assert published(server.host, f"{prefix}/{project.repository}") == {}
    kept = push(project, f"{server.host}/{prefix}", more=("--all", "--keep-going"))
    assert kept.code == 1, kept.err
    assert published(server.host, f"{prefix}/{project.repository}") == project.tags()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="PUT", path="/blobs/uploads/", kind="truncate", times=2),
        Fault(method="PUT", path="/blobs/uploads/", kind="lose-answer", times=2),
        Fault(method=".*", path="/", kind="status", status=429, headers={"Retry-After": "0"}, times=3),
        Fault(method="PUT", path="/manifests/", kind="status", status=500, times=2, after=1),
        Fault(method="PUT", path="/manifests/", kind="lose-answer", times=3),
        Fault(method="PUT|POST", path="/", kind="reset", times=2, after=2),
    ],
    ids=lambda fault: f"{fault.kind}{fault.after}",
)
def test_faults_that_pass(
    project: Project, server: Server, prefix: str, fault: Fault, engine: docker.DockerClient
) -> None:
    """In this process, as each run of the command line takes seconds."""
    tags = project.tags()
    immutable = next(tag for tag in tags if "py3" in tag)
    rolling = tuple(tag for tag in tags if tag != immutable)
    verified = VerifiedImage(
        promise=promise_in(labels(engine, tags[immutable]), "it", ""),
        digest=tags[immutable],
        tags=Tags(repository=project.repository, immutable=immutable, rolling=rolling),
    )
    with before(server.host, fault) as proxy, Display(live=False) as display:
        publisher = Publisher(source=engine, site=Site(), display=display)
        outcomes = publish(publisher, [parse_registry(f"{proxy.host}/{prefix}")], [verified], ())
        assert proxy.reached.is_set()
    assert [one.outcome for one in outcomes] == ["pushed"]
    assert published(server.host, f"{prefix}/{project.repository}") == tags
    assert_nothing_left()


def test_the_engine_streams_what_cannot_be_read(
    project: Project, server: Server, prefix: str, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same digest, from the tar that the engine streams; an upload that broke off begins anew."""
    monkeypatch.setattr(engine_export, "store", lambda *_: None)
    digest, fault = project.tags()["1.0-cpu"], Fault(method="PUT", path="/blobs/uploads/", kind="truncate", times=2)
    with before(server.host, fault) as proxy, connected(proxy.host, pauses=(0.01,) * 5) as connection:
        place = Place(connection=connection, repository=f"{prefix}/streamed")
        assert transfer.push(engine, place, digest, Sent()).digest == digest
        assert transfer.push(engine, place, digest, Sent()).digest == digest
        missing = manifests.digest_of(b"no such image")
        with pytest.raises(EngineError, match="no such image"):
            transfer.push(engine, place, missing, Sent())
    assert proxy.reached.is_set()


def test_an_immutable_tag_of_another_digest_is_refused(project: Project, server: Server, prefix: str) -> None:
    repository, immutable = f"{prefix}/{project.repository}", next(tag for tag in project.tags() if "py3" in tag)
    with connected(server.host) as connection:
        other = image(connection, repository, b"other")
        manifests.put(connection, repository, immutable, other, OCI_MANIFEST)
    done = push(project, f"{server.host}/{prefix}")
    assert done.code == 1
    assert manifests.digest_of(other) in done.err
    assert project.tags()[immutable] in done.err
    assert f"the tampered one is {manifests.digest_of(other)[:19]}: its fingerprint is missing" in done.err
    assert set(published(server.host, repository)) == {immutable}


def test_a_read_only_registry(project: Project, tmp_path: Path) -> None:
    with registries.registry(tmp_path / "closed", read_only=True) as closed:
        done = push(project, closed.host)
    assert (done.code, done.images[0]["outcome"]) == (1, "failed")
    assert "405" in done.err
    assert "read-only" in done.err


def test_logins(project: Project, tmp_path: Path) -> None:
    with registries.registry(tmp_path / "closed", login=True) as closed:
        wrong = docker_config(tmp_path / "wrong", closed.host, "canary-wrong")
        refused = push(project, closed.host, env={"DOCKER_CONFIG": str(wrong)})
        assert refused.code == 1
        assert "wrong or expired" in refused.err
        assert f"docker login {closed.host}" in refused.err
        right = docker_config(tmp_path / "right", closed.host)
        done = push(project, closed.host, env={"DOCKER_CONFIG": str(right)})
        assert done.code == 0, done.err
        for one in (refused, done):
            assert "canary" not in one.out + one.err
        assert PASSWORD.encode() not in b"".join(
            path.read_bytes() for path in project.root.rglob("*") if path.is_file()
        )


def test_ctrl_c_publishes_nothing(project: Project, server: Server, prefix: str) -> None:
    fault = Fault(method="PUT", path="/blobs/uploads/", kind="hang")
    with before(server.host, fault) as proxy, project.started(*push_command(project, f"{proxy.host}/{prefix}")) as run:
        run.until(proxy.reached.is_set)
        run.send(signal.SIGINT)
        assert run.end(20) == 130, run.said
        assert "Traceback" not in run.said
    assert published(server.host, f"{prefix}/{project.repository}") == {}
    assert push(project, f"{server.host}/{prefix}").code == 0
    assert_nothing_left()


def test_an_error_that_stays_cancels_the_other_uploads(project: Project, server: Server, prefix: str) -> None:
    fault = Fault(method="PUT", path="/blobs/uploads/", kind="status", status=403)
    with before(server.host, fault) as proxy:
        done = push(project, f"{proxy.host}/{prefix}")
        assert proxy.count("POST", "/blobs/uploads/") > 1, "several were sent side by side"
    assert done.code == 1
    assert done.err.count("error:") == 1
    assert published(server.host, f"{prefix}/{project.repository}") == {}
    assert push(project, f"{server.host}/{prefix}").code == 0


def test_two_pushes_at_once(project: Project, server: Server, prefix: str) -> None:
    with ExitStack() as stack:
        runs = [
            stack.enter_context(project.started(*push_command(project, f"{server.host}/{prefix}"))) for _ in range(2)
        ]
        assert [run.end() for run in runs] == [0, 0], [run.said for run in runs]
    assert published(server.host, f"{prefix}/{project.repository}") == project.tags()


def test_a_killed_push_is_finished(project: Project, server: Server, prefix: str) -> None:
    """Killed between two tags; the next run sets the rest."""
    repository, fault = f"{prefix}/{project.repository}", Fault(method="PUT", path="/manifests/1.0-cpu", kind="hang")
    with before(server.host, fault) as proxy:
        # One address for both runs: the journal is of a place.
        with project.started(*push_command(project, f"{proxy.host}/{prefix}")) as run:
            run.until(proxy.reached.is_set)
            run.send(signal.SIGKILL)
            run.end()
        assert len(published(server.host, repository)) == 1, "the immutable tag only"
        done = push(project, f"{proxy.host}/{prefix}")
    assert done.code == 0, done.err
    assert "finishing it" in done.err
    assert published(server.host, repository) == project.tags()
    assert_nothing_left()


def test_a_lie_about_the_digest(project: Project, server: Server, prefix: str) -> None:
    fault = Fault(method="GET", path="/manifests/sha256:", kind="change-answer", times=99)
    with before(server.host, fault) as proxy:
        done = push(project, f"{proxy.host}/{prefix}")
    assert done.code == 1
    assert "what it gives as" in done.err
    assert published(server.host, f"{prefix}/{project.repository}") == {}
