"""An engine that is not there, or goes away, and people who press Ctrl-C: one message, no tag, nothing left behind."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest

from builder.matrix.names import LABEL_OWNER
from tests.support.build_network import held_step
from tests.support.command_line import NOWHERE, BackgroundRun
from tests.support.engine_proxy import HOST, proxied
from tests.support.polling import until
from tests.support.project import NewProject, Project

PLUGINS = "{{range .ClientInfo.Plugins}}{{println .Path}}{{end}}"


def containers(engine: docker.DockerClient, live: BackgroundRun) -> list[str]:
    """The containers that a run has on the engine."""
    owner = f"{LABEL_OWNER}={live.process.pid}"
    return [str(found.name) for found in engine.containers.list(all=True, filters={"label": owner})]


def commands_with(words: str) -> list[str]:
    """The command lines on this machine that hold some words."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(line)
    return found


def assert_nothing_left(engine: docker.DockerClient, project: Project, live: BackgroundRun) -> None:
    assert containers(engine, live) == []
    assert commands_with(str(project.scratch)) == [], "a buildx is left"
    assert list(project.scratch.iterdir()) == [], "temporary files are left"
    assert project.tags() == {}


def assert_cancelled(mark: str) -> None:
    """The engine has ended the step as well; it may take a moment."""
    until(lambda: not commands_with(mark), 15, lambda: f"the engine still runs {commands_with(mark)}")


def slow_check(project: Project) -> str:
    """Give the image a check that takes minutes; returns words that only its processes on this machine have."""
    mark = f"mark-{secrets.token_hex(8)}"
    project.check(f"def test_slow(host):\n    host.run('sleep 300; : {mark}')\n")
    return mark


def test_no_engine(new_project: NewProject) -> None:
    done = new_project().build(env=NOWHERE)
    assert done.code == 1
    assert f"error: Docker at {NOWHERE['DOCKER_HOST']}, which DOCKER_HOST names: the engine does not answer" in done.err
    assert "try: python -m builder doctor" in done.err
    assert "Traceback" not in done.err


def test_docker_without_buildx(new_project: NewProject, tmp_path: Path) -> None:
    """The real command, in a mount namespace where its plugins' directories are empty."""
    listed = subprocess.run(["docker", "info", "--format", PLUGINS], capture_output=True, text=True, check=True).stdout
    hide = " && ".join(f"mount -t tmpfs none {Path(path).parent}" for path in sorted(set(listed.split())))
    shell = ("unshare", "--map-root-user", "--mount", "sh", "-c", f'{hide} && exec "$@"', "sh")
    if subprocess.run([*shell, "true"], check=False, capture_output=True).returncode:
        pytest.skip("not tested: this machine has no user namespaces")
    # The engine by its address: buildx lies beside no other plugin that the context would need.
    done = new_project().build(env={"DOCKER_HOST": HOST, "HOME": str(tmp_path), **caches()}, before=shell)
    assert done.code == 1
    assert "error: docker has no buildx" in done.err
    assert "apt-get install docker-buildx" in done.err


def caches() -> dict[str, str]:
    """The cache of this user, when HOME is another."""
    return {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))}


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose name is short enough for a socket's address."""
    directory = Path(tempfile.mkdtemp(prefix="fi-"))
    yield directory
    shutil.rmtree(directory)


def test_an_engine_that_dies_in_a_build(engine: docker.DockerClient, new_project: NewProject, short: Path) -> None:
    project = new_project()
    mark = project.slow()
    with proxied(short / "docker.sock") as proxy:
        with project.started(*project.flags("--version=1"), env={"DOCKER_HOST": proxy.address}) as live:
            live.until("RUN echo begun")
            proxy.cut()
            assert live.end() == 1
        assert "the build failed after" in live.said
        assert "RUN echo begun" in live.said.partition("the build failed after")[2].splitlines()[0]
        assert "try: the engine went away: python -m builder doctor, then build again" in live.said
        assert "Traceback" not in live.said
    assert_nothing_left(engine, project, live)
    assert_cancelled(mark)


def test_an_engine_that_dies_in_verification(new_project: NewProject, engine: docker.DockerClient, short: Path) -> None:
    project = new_project()
    mark = slow_check(project)
    with proxied(short / "docker.sock") as proxy:
        with project.started(*project.flags("--version=1"), env={"DOCKER_HOST": proxy.address}) as live:
            live.until(lambda: commands_with(mark))
            proxy.cut()
            assert live.end() == 1
        assert "Traceback" not in live.said
        assert "error: the engine went away while sha256:" in live.said
        assert "so nothing is known about it" in live.said
        assert "try: python -m builder doctor; then repeat this" in live.said
        assert "is not what its row promises" not in live.said
    for name in containers(engine, live):  # nothing else could have removed it
        engine.api.remove_container(name, force=True)
    assert_nothing_left(engine, project, live)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_build(engine: docker.DockerClient, new_project: NewProject, number: signal.Signals) -> None:
    project = new_project()
    mark = project.slow()
    with project.started(*project.flags("--version=1", "--keep-going")) as live:
        live.until("RUN echo begun")
        live.send(number)
        assert live.end(30) == 130
    assert "interrupted: nothing is left running" in live.said
    assert "Traceback" not in live.said
    assert_nothing_left(engine, project, live)
    assert_cancelled(mark)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_verification(engine: docker.DockerClient, new_project: NewProject, number: signal.Signals) -> None:
    project = new_project()
    mark = slow_check(project)
    with project.started(*project.flags("--version=1", "--keep-going")) as live:
        live.until(lambda: commands_with(mark))
        live.send(number)
        assert live.end(30) == 130
    assert "interrupted" in live.said
    assert "Traceback" not in live.said
    assert_nothing_left(engine, project, live)


def test_a_second_signal_does_not_disturb_the_clean_up(
    engine: docker.DockerClient, new_project: NewProject, short: Path
) -> None:
    """It comes while the engine has not yet removed the container."""
    project = new_project()
    mark = slow_check(project)
    with (
        proxied(short / "docker.sock") as proxy,
        project.started(*project.flags("--version=1"), env={"DOCKER_HOST": proxy.address}) as live,
    ):
        live.until(lambda: commands_with(mark))
        proxy.held = b"DELETE /"
        live.send(signal.SIGINT)
        live.until(proxy.reached.is_set)
        live.send(signal.SIGINT)
        live.until("still removing what runs")
        proxy.go_on.set()
        assert live.end(30) == 130
    assert_nothing_left(engine, project, live)


def test_killed_between_build_and_verification(engine: docker.DockerClient, new_project: NewProject) -> None:
    """Nobody could clean up: the next run finishes, and `clean` removes what is left."""
    project = new_project()
    with project.started(*project.flags("--version=1")) as live:
        live.until("verifying")
        live.send(signal.SIGKILL)
        assert live.end() == -signal.SIGKILL
    assert project.tags() == {}
    done = project.build()
    assert done.code == 0, done.err
    assert "1.0-cpu" in project.tags()
    assert project.run("clean").code == 0
    assert containers(engine, live) == []


def test_two_builders_at_once(new_project: NewProject, engine: docker.DockerClient) -> None:
    with held_step(engine) as step, ExitStack() as stack:
        project = new_project(step.instruction)
        flags = project.flags("--version=1")[:-1]
        first = stack.enter_context(project.started(*flags, "--log-dir=logs0"))
        first.until("RUN /opt/env/bin/python")
        second = stack.enter_context(project.started(*flags, "--log-dir=logs1"))
        second.until(f"{project.cell}: process {first.process.pid} is building it; waiting")
        step.go_on.set()
        assert [run.end() for run in (first, second)] == [0, 0], [run.said for run in (first, second)]
    assert "already built and verified" in second.said
    assert "1 built;" in first.said
    assert "1 unchanged;" in second.said
    assert len(set(project.tags().values())) == 1
