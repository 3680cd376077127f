"""Other ways to build the same image: a bake file, another BuildKit, and a cache that was exported."""

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from builder.build import site_inputs
from builder.host.site_discovery import load_site
from tests.integration.conftest import NewLab
from tests.support.repository import Lab
from tests.support.second_engine import Second, second_engine


def remove(engine: docker.DockerClient, lab: Lab) -> None:
    """Take the lab's images from the engine: nothing but their names keeps them."""
    for tag in lab.tags():
        engine.api.remove_image(f"{lab.repository}:{tag}", noprune=True)


def immutable(lab: Lab) -> str:
    """The digest with the tag that ends in a fingerprint."""
    return next(digest for tag, digest in lab.tags().items() if tag.count("-") > 2)


def test_bake_builds_the_image_that_build_builds(new_lab: NewLab) -> None:
    """Without the cache of `build` where the site has wheels: that hands over those of each cell, bake all of them."""
    lab = new_lab(f"RUN echo {secrets.token_hex(4)} >/opt/one && touch -d @946684800 /opt/one /opt")
    done = lab.run("render", "--bake", f"--site={lab.site}")
    assert done.code == 0, done.err
    assert "secret" not in done.out
    (lab.root / "bake.json").write_text(done.out)
    bake = ("docker", "buildx", "bake", "--file=bake.json", "--metadata-file=metadata.json")
    printed = subprocess.run([*bake, "--print"], cwd=lab.root, capture_output=True, text=True, check=True).stdout
    target = json.loads(printed)["target"][lab.cell.replace("/", "-").replace(".", "_")]
    assert target["labels"] == next(iter(json.loads(done.out)["target"].values()))["labels"]

    assert lab.build().code == 0
    with site_inputs.secrets(load_site(lab.site)) as files:
        given = [f"--set=*.secrets=id={name},src={file}" for name, file in files.items()]
        subprocess.run([*bake, *given, f"{lab.framework}-1_0_0"], cwd=lab.root, capture_output=True, check=True)
    metadata = json.loads((lab.root / "metadata.json").read_text())
    assert [one["containerimage.digest"] for one in metadata.values()] == [immutable(lab)]
    again = lab.build()
    assert "1 unchanged" in again.err


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    with second_engine() as found:
        yield found


@pytest.fixture
def remote(second: Second, tmp_path: Path) -> Mapping[str, str]:
    """The environment in which buildx knows the builder `far`, and nobody else's configuration is touched."""
    env = {"BUILDX_CONFIG": str(tmp_path / "buildx")}
    create = ("docker", "buildx", "create", "--name=far", "--driver=remote", second.buildkit)
    subprocess.run(create, check=True, capture_output=True, env={**os.environ, **env})
    return env


def test_a_builder_without_a_cache_or_a_network_builds_from_an_exported_cache(
    new_lab: NewLab, engine: docker.DockerClient, remote: Mapping[str, str], second: Second, tmp_path: Path
) -> None:
    """Every RUN that installs would fail there: each comes from the directory, and the digest comes back as it is."""
    lab = new_lab(f"RUN echo {secrets.token_hex(4)} >/opt/one")
    cache = tmp_path / "cache"
    near = lab.build(f"--cache-to={cache}")
    assert near.code == 0, near.err
    assert (cache / lab.cell.replace("/", "-") / "index.json").exists()
    remove(engine, lab)

    far = lab.build("--builder=far", f"--cache-from={cache}", "--format=json", env=remote)
    assert far.code == 0, far.err
    assert far.images[0]["outcome"] == "built"
    assert far.images[0]["digest"] == immutable(lab)
    log = lab.log.read_text()
    assert " CACHED [" in log
    assert not re.search(r" DONE \[[^]]*\] RUN ", log)
    assert "loading the image into the engine" in far.err
    there = docker.DockerClient(base_url=second.engine)
    assert there.images.list(all=True) == [], "it was made in that BuildKit's cache, and exported from it"
    there.close()
    assert list(lab.scratch.iterdir()) == []


def test_another_context_is_a_builder(new_lab: NewLab, second: Second, tmp_path: Path) -> None:
    """Without a network and a cache no RUN succeeds there: that is how far it can come."""
    lab = new_lab()
    config = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    create = ("docker", "context", "create", "other", f"--docker=host={second.engine}")
    subprocess.run(create, check=True, capture_output=True, env={**os.environ, **config})
    done = lab.build("--builder=other", "--no-cache", env=config)
    assert done.code == 1
    assert "RUN " in done.err.partition("the build failed after")[2].splitlines()[0]
    assert "docker --context=other buildx build" in lab.log.read_text()


def test_a_builder_that_is_not_there(new_lab: NewLab) -> None:
    done = new_lab().build("--builder=absent")
    assert done.code == 1
    assert 'error: --builder: no builder "absent" found' in done.err
    assert "try: docker buildx ls" in done.err


def test_an_engine_that_can_export_no_cache(new_lab: NewLab, tmp_path: Path) -> None:
    lab = new_lab()
    with second_engine(containerd_store=False) as old:
        done = lab.build(f"--cache-to={tmp_path / 'cache'}", env={"DOCKER_HOST": old.engine})
    assert done.code == 1
    assert "try: this builder exports no cache" in done.err
    assert lab.tags() == {}


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--cache-to=cache", "argument --cache-to: 'cache' is no directory (./cache)"),
        ("--cache-from=type=lokal,src=x", "'lokal' is no type of cache"),
    ],
)
def test_a_place_that_is_none(new_lab: NewLab, flag: str, words: str) -> None:
    done = new_lab().build(flag)
    assert done.code == 2
    assert words in done.err
