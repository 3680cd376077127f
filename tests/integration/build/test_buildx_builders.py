"""Other ways to build the same image: a bake file, another BuildKit, and a cache that was exported."""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from tests.support.project import NewProject, Project
from tests.support.second_engine import SecondEngine, start_second_engine


def remove(engine: docker.DockerClient, project: Project) -> None:
    """Take the project's images from the engine: nothing but their names keeps them."""
    for tag in project.tags():
        engine.api.remove_image(f"{project.repository}:{tag}", noprune=True)


def immutable(project: Project) -> str:
    """The digest with the tag that ends in a fingerprint."""
    return next(digest for tag, digest in project.tags().items() if tag.count("-") > 2)


@pytest.fixture(scope="module")
def second_engine() -> Iterator[SecondEngine]:
    with start_second_engine() as found:
        yield found


@pytest.fixture
def remote(second_engine: SecondEngine, tmp_path: Path) -> Mapping[str, str]:
    """The environment in which buildx knows the builder `far`, and nobody else's configuration is touched."""
    env = {"BUILDX_CONFIG": str(tmp_path / "buildx")}
    create = ("docker", "buildx", "create", "--name=far", "--driver=remote", second_engine.buildkit)
    subprocess.run(create, check=True, capture_output=True, env={**os.environ, **env})
    return env


def test_a_builder_without_a_cache_or_a_network_builds_from_an_exported_cache(
    new_project: NewProject,
    engine: docker.DockerClient,
    remote: Mapping[str, str],
    second_engine: SecondEngine,
    tmp_path: Path,
) -> None:
    """Every RUN that installs would fail there: each comes from the directory, and the digest comes back as it is."""
    project = new_project(f"RUN echo {secrets.token_hex(4)} >/opt/one")
    cache = tmp_path / "cache"
    near = project.build(f"--cache-to={cache}")
    assert near.code == 0, near.err
    assert (cache / project.cell.replace("/", "-") / "index.json").exists()
    remove(engine, project)

    far = project.build("--builder=far", f"--cache-from={cache}", "--format=json", env=remote)
    assert far.code == 0, far.err
    assert far.images[0]["outcome"] == "built"
    assert far.images[0]["digest"] == immutable(project)
    log = project.log.read_text()
    assert " CACHED [" in log
    assert not re.search(r" DONE \[[^]]*\] RUN ", log)
    assert "loading the image into the engine" in far.err
    there = docker.DockerClient(base_url=second_engine.engine)
    assert there.images.list(all=True) == [], "it was made in that BuildKit's cache, and exported from it"
    there.close()
    assert list(project.scratch.iterdir()) == []


def test_another_context_is_a_builder(new_project: NewProject, second_engine: SecondEngine, tmp_path: Path) -> None:
    """Without a network and a cache no RUN succeeds there: that is how far it can come."""
    project = new_project()
    config = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    create = ("docker", "context", "create", "other", f"--docker=host={second_engine.engine}")
    subprocess.run(create, check=True, capture_output=True, env={**os.environ, **config})
    done = project.build("--builder=other", "--no-cache", env=config)
    assert done.code == 1
    assert "RUN " in done.err.partition("the build failed after")[2].splitlines()[0]
    assert "docker --context=other buildx build" in project.log.read_text()


def test_a_builder_that_is_not_there(new_project: NewProject) -> None:
    done = new_project().build("--builder=absent")
    assert done.code == 1
    assert 'error: --builder: no builder "absent" found' in done.err
    assert "try: docker buildx ls" in done.err


def test_an_engine_that_can_export_no_cache(new_project: NewProject, tmp_path: Path) -> None:
    project = new_project()
    with start_second_engine(containerd_store=False) as old:
        done = project.build(f"--cache-to={tmp_path / 'cache'}", env={"DOCKER_HOST": old.engine})
    assert done.code == 1
    assert "try: this builder exports no cache" in done.err
    assert project.tags() == {}


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--cache-to=cache", "argument --cache-to: 'cache' is no directory (./cache)"),
        ("--cache-from=type=lokal,src=x", "'lokal' is no type of cache"),
    ],
)
def test_a_place_that_is_none(new_project: NewProject, flag: str, words: str) -> None:
    done = new_project().build(flag)
    assert done.code == 2
    assert words in done.err
