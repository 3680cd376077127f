"""The engine that is asked is the one that `docker` asks, and errors name its address."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.errors import EngineError
from builder.host import engine
from builder.host.endpoint import endpoint
from tests.support.scripted_registry import Answer, scripted

GONE = "127.0.0.1:9"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of docker's own configuration, with a context `far`."""
    directory = tmp_path / "contexts/meta" / hashlib.sha256(b"far").hexdigest()
    directory.mkdir(parents=True)
    far = {"docker": {"Host": f"tcp://{GONE}", "SkipTLSVerify": False}}
    (directory / "meta.json").write_text(json.dumps({"Name": "far", "Metadata": {}, "Endpoints": far}))
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config.json"


def test_the_host_comes_before_the_context_and_that_before_the_file(config: Path) -> None:
    assert str(endpoint(os.environ)) == "unix:///var/run/docker.sock"
    config.write_text('{"currentContext": "far"}')
    assert str(endpoint(os.environ)) == f"tcp://{GONE}, which the context far of {config} names"
    assert str(endpoint({"DOCKER_CONTEXT": "default"})) == "unix:///var/run/docker.sock"
    assert str(endpoint({"DOCKER_CONTEXT": "nope", "DOCKER_HOST": "tcp://x:1"})) == "tcp://x:1, which DOCKER_HOST names"


@pytest.mark.parametrize("name", ["nope", "../far"])
def test_a_context_that_is_not_there_is_refused(name: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", name)
    with pytest.raises(EngineError, match=rf"Docker has no context {name}, and DOCKER_CONTEXT names it") as caught:
        connect()
    assert caught.value.hint == "docker context ls"
    assert config.exists()


@pytest.mark.parametrize("host", [f"tcp://{GONE}", "unix:///nowhere/docker.sock", f"ssh://nobody@{GONE}"])
def test_an_engine_that_does_not_answer_is_named(host: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError) as caught:
        connect()
    assert caught.value.message.startswith(f"Docker at {host}, which DOCKER_HOST names: ")
    assert "paramiko" not in caught.value.message, "the SDK asks for it even where ssh itself is used"
    assert config.exists()


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [
        ("unix:///var/run/docker.sock", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://[::1]:2375", False),
        ("tcp://docker:2375", True),
        ("ssh://me@build.example", True),
    ],
)
def test_an_engine_elsewhere_runs_nothing_of_this_machine(
    host: str,
    elsewhere: bool,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    if elsewhere:
        with pytest.raises(EngineError, match=r"which DOCKER_HOST names: a run mounts directories of this machine"):
            engine.assert_mounts()
    else:
        engine.assert_mounts()
    assert config.exists()


def podman(method: str, path: str, headers: Mapping[str, str]) -> Answer:
    """What Podman's service says of itself; it takes part in no build."""
    assert (method, bool(headers)) in {("GET", True), ("HEAD", True)}
    if path.endswith("/_ping"):
        return (200, {"Api-Version": "1.41", "Content-Type": "text/plain"}, b"OK")
    version = {"Version": "4.3.1", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}
    return (200, {"Content-Type": "application/json"}, json.dumps(version).encode())


def test_podman_is_refused_for_building(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(podman) as host:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{host}")
        with engine.connected() as client, pytest.raises(EngineError, match=r"this is Podman.*it cannot build here"):
            engine.assert_builds(client)
    assert config.exists()


def connect() -> None:
    with engine.connected():
        pass
