"""Build only what changed: the plan, its reasons, and runs that were killed half-way."""

import json
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack

import docker
import pytest

from builder.matrix.names import LABEL_INPUTS
from builder.verify import passed
from tests.support.command_line import NOWHERE, CommandResult, environment
from tests.support.project import NewProject, Project

CHECK = "def test_own(host):\n    assert host.file('/opt/env').exists\n"
KILLED = """
import os, signal
from builder import {module}
{module}.{name} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
from builder.__main__ import main
main()
"""


def plan(project: Project, *more: str) -> dict[str, object]:
    """The only decision of a project's plan."""
    done = project.run(
        "plan", "--version=1", f"--site={project.site}", f"--repository={project.repository}", "--format=json", *more
    )
    assert done.code == 0, done.err
    return done.images[0]


def decided(project: Project) -> tuple[object, object]:
    found = plan(project)
    return found["action"], found["reasons"]


def counted(project: Project) -> tuple[CommandResult, int]:
    """A build of the project, and how often it called `docker buildx build`."""
    shim, calls = project.root / "shim", project.root / "calls"
    shim.mkdir(exist_ok=True)
    calls.write_text("")
    real = shutil.which("docker")
    (shim / "docker").write_text(f'#!/bin/sh\necho "$*" >> "{calls}"\nexec {real} "$@"\n')
    (shim / "docker").chmod(0o755)
    done = project.build("--format=json", env={"PATH": f"{shim}:{environment({}, project.scratch)['PATH']}"})
    return done, sum(line.startswith("buildx build") for line in calls.read_text().splitlines())


def killed(project: Project, module: str, name: str) -> None:
    """A build that is killed where it calls that function."""
    code = KILLED.format(module=module, name=name)
    command = [sys.executable, "-c", code, *project.flags("--version=1")]
    done = subprocess.run(
        command, cwd=project.root, env=environment({}, project.scratch), check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def swap(project: Project, old: str, new: str) -> None:
    """Change a pin everywhere a person and `lock` would, without asking the index."""
    for file in (project.root / "matrix.yaml", project.root / "builder.lock"):
        file.write_text(file.read_text().replace(old, new))


def test_unchanged_is_skipped_and_a_pin_is_the_reason(new_project: NewProject) -> None:
    project = new_project(f"RUN echo {secrets.token_hex(4)}")  # a build that only finds its cache teaches no seconds
    assert decided(project) == ("build", ["this engine has no image of it"])
    assert project.build().code == 0
    found = plan(project)
    assert (found["action"], found["reasons"], found["seconds"]) == ("skip", ["unchanged"], 0)
    assert isinstance(found["size"], int)
    assert found["size"] > 1e7
    again, builds = counted(project)
    assert (again.code, builds, again.images[0]["outcome"]) == (0, 0, "unchanged")
    assert "nothing to do: 1 unchanged" in again.err

    project.template("ENV CHANGED=1")
    found = plan(project)
    assert (found["action"], found["reasons"]) == ("build", ["templates changed (Dockerfile)"])
    assert isinstance(found["seconds"], float)
    lock(project, "1.17.0", "1.16.0")
    found = plan(project)
    assert found["action"] == "build"
    assert found["reasons"] == ["six 1.17.0 → 1.16.0", "files changed (Dockerfile)"]
    explained = project.run("explain", project.cell, f"--site={project.site}")
    assert "six 1.17.0 → 1.16.0" in explained.out
    image = project.run(
        "explain", f"{project.repository}:1.0-cpu", f"--site={project.site}", f"--repository={project.repository}"
    )
    assert (image.code, "six 1.17.0" in image.out, "these checks" in image.out) == (0, True, True), image.err


def lock(project: Project, old: str, new: str) -> None:
    """Another pin, as `lock` would write it but for the hash, which no plan needs."""
    from dataclasses import replace

    from builder.dependencies.lockfile import asked, dump, load
    from builder.matrix.load import load as load_matrix
    from builder.matrix.names import closure

    swap(project, old, new)
    spec = next(spec for spec in load_matrix(project.root / "matrix.yaml").cells if spec.version == "1.0.0")
    locked = load(project.root / "builder.lock")
    found = locked.closures[closure(spec)]
    moved = replace(found, asked=asked(spec))
    (project.root / "builder.lock").write_text(
        dump(replace(locked, closures={**locked.closures, closure(spec): moved}))
    )
    project.render()


def test_other_checks_verify_again_and_build_nothing(new_project: NewProject) -> None:
    project = new_project()
    assert project.build().code == 0
    before = project.tags()
    project.check(CHECK)
    assert decided(project) == ("re-verify", ["checks changed"])
    done, builds = counted(project)
    assert (done.code, builds, done.images[0]["outcome"]) == (0, 0, "verified"), done.err
    assert "re-verify: checks changed" in done.err
    assert decided(project) == ("skip", ["unchanged"])

    project.check("def test_own():\n    assert False\n")
    done, builds = counted(project)
    assert (done.code, builds, done.images[0]["outcome"]) == (1, 0, "failed")
    assert project.tags() == before, "no tag moved"


def test_another_repository_costs_only_tags(new_project: NewProject) -> None:
    project = new_project()
    assert project.build().code == 0
    other = Project(
        root=project.root, site=project.site, framework=project.framework, repository=f"{project.repository}-b"
    )
    assert plan(other)["action"] == "re-tag"
    done, builds = counted(other)
    assert (done.code, builds, done.images[0]["outcome"]) == (0, 0, "tagged"), done.err
    assert "verifying" not in done.err
    assert other.tags() == project.tags()


@pytest.mark.parametrize(
    ("where", "action", "outcome"),
    [(("promote", "check"), "re-verify", "verified"), (("tagging", "apply"), "re-tag", "tagged")],
)
def test_a_killed_run_is_continued(new_project: NewProject, where: tuple[str, str], action: str, outcome: str) -> None:
    project = new_project()
    killed(project, *where)
    assert project.tags() == {}
    assert plan(project)["action"] == action
    done, builds = counted(project)
    assert (done.code, builds, done.images[0]["outcome"]) == (0, 0, outcome), done.err
    assert "1.0-cpu" in project.tags()
    assert decided(project) == ("skip", ["unchanged"])


def test_damage_is_not_knowledge(new_project: NewProject, engine: docker.DockerClient) -> None:
    """A remembered verification that cannot be read is none; a label that is not JSON is said."""
    project = new_project()
    assert project.build().code == 0
    digest = project.tags()["1.0-cpu"]
    passed.file_of(digest).write_text('{"schema": 1')
    assert decided(project) == ("re-verify", ["built, and not verified on this host"])
    container = engine.containers.create(digest)
    image = container.commit(
        repository=project.repository, tag="odd", changes=f"LABEL {LABEL_INPUTS}=no-json framework-images.fingerprint=0"
    )
    container.remove()
    for tag in project.tags():
        if tag != "odd":
            engine.api.remove_image(f"{project.repository}:{tag}", noprune=True)
    project.template("ENV CHANGED=1")
    action, reasons = decided(project)
    assert action == "build"
    assert "does not say what it was made from" in str(reasons)
    assert "its label cannot be read" in str(reasons)
    assert str(image.id)[:19] in str(reasons)


def test_what_was_committed_from_a_build_is_none(new_project: NewProject, engine: docker.DockerClient) -> None:
    """It has the labels, no tag, and bytes that nobody verified."""
    project = new_project()
    assert project.build().code == 0
    container = engine.containers.create(project.tags()["1.0-cpu"])
    committed = container.commit()
    container.remove()
    try:
        for tag in project.tags():
            engine.api.remove_image(f"{project.repository}:{tag}", noprune=True)
        assert decided(project) == ("build", [f"{str(committed.id)[:19]} repeats the labels of a build and is none"])
    finally:
        engine.api.remove_image(str(committed.id), noprune=True)


def test_without_an_engine_everything_would_be_built(new_project: NewProject) -> None:
    done = new_project().run("plan", "--format=json", env=NOWHERE)
    assert done.code == 0, done.err
    assert done.images[0]["reasons"] == ["no engine: what exists is not known"]
    assert "the engine does not answer" in done.err


def test_two_plans_at_once(new_project: NewProject) -> None:
    project = new_project()
    with ExitStack() as stack:
        flags = ("plan", "--version=1", f"--site={project.site}", "--format=json")
        runs = [stack.enter_context(project.started(*flags)) for _ in range(2)]
        assert [run.end() for run in runs] == [0, 0], [run.said for run in runs]
    found = [json.loads(run.said[run.said.index("{\n") : run.said.rindex("}") + 1]) for run in runs]
    assert found[0] == found[1]
