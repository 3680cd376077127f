"""The verbs on an engine with the classic image store, which names images by their configuration."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import yaml

from builder.build.classic_store import REPOSITORY
from builder.matrix.names import LABEL_ROW
from builder.publish.signing import keys
from builder.registry import image
from builder.registry.connection import connected
from tests.support.base_cache import own_cache
from tests.support.command_line import ROOT, CommandResult, builder
from tests.support.engine_proxy import HOST
from tests.support.project import Project, locked_project
from tests.support.push import push_command
from tests.support.registries import Server, published
from tests.support.second_engine import forwarded, start_second_engine
from tests.support.signing_keys import PASSWORD, make_key
from tests.support.wheels import write_wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class Classic:
    """A project whose image was built on such an engine, with a cache of its own."""

    client: docker.DockerClient
    project: Project
    cache: Path
    env: Mapping[str, str]

    def run(self, *words: str) -> CommandResult:
        done = self.project.run(*words, env=self.env)
        assert done.code == 0, done.err
        return done

    def push(self, server: Server) -> CommandResult:
        return self.run(*push_command(self.project, server.host), "--format=json")

    def python(self, name: str, code: str) -> str:
        said = self.client.containers.run(name, ["python", "-c", code], remove=True, network_mode="none")
        return bytes(said).decode().strip()

    def digest(self) -> str:
        return str(self.client.images.get(f"{self.project.repository}:1.0-cpu").id)


@pytest.fixture(scope="module")
def classic(site_file: Path, locked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classic]:
    project = locked_project(tmp_path_factory.mktemp("classic") / "project", site_file, locked)
    cache, env = own_cache(project)
    with start_second_engine(containerd_store=False, reaches_out=True) as engine:
        client = docker.DockerClient(base_url=engine.engine)
        made = Classic(client=client, project=project, cache=cache, env={**env, "DOCKER_HOST": engine.engine})
        made.run(*project.flags("--version=1"))
        yield made
        client.close()


def test_an_image_is_built_verified_and_unchanged(classic: Classic) -> None:
    again = classic.run(*classic.project.flags("--version=1"))
    assert "1 unchanged" in again.err
    where = (f"--site={classic.project.site}", f"--repository={classic.project.repository}")
    planned = json.loads(classic.run("plan", "--version=1", *where, "--format=json").out)
    assert [one["action"] for one in planned["images"]] == ["skip"]
    assert classic.run("verify", f"{classic.project.repository}:1.0-cpu").code == 0
    ours = classic.client.images.list(all=True, filters={"label": LABEL_ROW})
    assert [(one.id, one.attrs["Created"]) for one in ours] == [(classic.digest(), "2000-01-01T00:00:00Z")]


def test_the_base_stays_under_a_tag(classic: Classic) -> None:
    """So the next build does not load it again."""
    assert len([tag for one in classic.client.images.list(REPOSITORY) for tag in one.tags]) == 1


def test_it_is_published_with_a_manifest_over_its_own_configuration(
    classic: Classic, server: Server, engine: docker.DockerClient
) -> None:
    """Another engine pulls what was verified; a second push sends nothing."""
    first = classic.push(server).images[0]
    assert first["outcome"] == "pushed"
    repository = classic.project.repository
    assert set(published(server.host, repository).values()) == {first["digest"]}
    with connected(server.host) as connection:
        found = image.read(connection, repository, "1.0-cpu")
    assert found.manifest.document["config"]["digest"] == classic.digest()
    assert {one.media_type for one in found.layers} == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    again = classic.push(server).images[0]
    assert (again["outcome"], again["sent"]) == ("unchanged", 0)
    name = f"{server.host}/{repository}:1.0-cpu"
    command = ["docker", "run", "--rm", "--network=none", name, "python", "-c", "import six; print(six.__version__)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1.17.0\n"
    engine.api.remove_image(name, noprune=True)


def test_a_damaged_layer_in_the_cache_is_named_and_packed_again(classic: Classic, server: Server) -> None:
    digest = classic.push(server).images[0]["digest"]
    largest = max((classic.cache / "layout/blobs/sha256").iterdir(), key=lambda file: file.stat().st_size)
    before = largest.read_bytes()
    largest.write_bytes(before[:-1] + b"x")
    again = classic.push(server)
    assert f"{largest}: ignored: its sha256 is another one; it is removed" in again.err
    assert (again.images[0]["outcome"], again.images[0]["digest"]) == ("unchanged", digest)
    assert largest.read_bytes() == before


def test_an_environment_is_derived_and_published_beside_its_base(
    classic: Classic, server: Server, tmp_path: Path
) -> None:
    classic.push(server)
    wheels = write_wheel(tmp_path / "wheels", "fipear", "1.0").parent
    site = {**yaml.safe_load(classic.project.site.read_text("utf-8")), "pip": {"find-links": [str(wheels)]}}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
    repository = classic.project.repository
    where = (f"--site={tmp_path / 'site.yaml'}", f"--repository={repository}", f"--registry={server.host}")
    words = ("derive", "--from=1.0-cpu", *where, f"--name={repository}-derived", "--pip-package=fipear")
    found = classic.run(*words, "--log-dir=logs", "--format=json").images[0]
    assert (found["outcome"], found["base"]) == ("built", classic.digest())
    assert classic.python(found["reference"], "import fipear, six; print(fipear.version)") == "1.0"
    again = classic.run(*words, "--log-dir=logs", "--format=json").images[0]
    assert (again["outcome"], again["digest"]) == ("unchanged", found["digest"])
    with connected(server.host) as connection:
        there = image.read(connection, f"{repository}-derived", found["published"].rpartition(":")[2])
    assert there.manifest.document["config"]["digest"] == found["digest"]
    assert there.labels["org.opencontainers.image.base.digest"] == published(server.host, repository)["1.0-cpu"]


def test_a_script_runs_in_it(classic: Classic, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/train.py").write_text("import six; print('trained with six', six.__version__)\n")
    words = (f"--image={classic.project.repository}:1.0-cpu", f"--source={tmp_path / 'source'}", "--entry=train.py")
    runs = f"--runs={tmp_path / 'runs'}"
    done = builder("run", *words, runs, cwd=ROOT, scratch=tmp_path / "tmp", env=classic.env)
    assert (done.code, "trained with six 1.17.0" in done.out + done.err) == (0, True), done.err


def test_it_is_attested_and_audited_by_what_registries_call_it(
    classic: Classic, server: Server, tmp_path: Path
) -> None:
    """The report is of the image that was verified here, the statements name its manifest."""
    make_key(tmp_path, "mine")
    digest = classic.push(server).images[0]["digest"]
    name = f"{server.host}/{classic.project.repository}@{digest}"
    password = {keys.PASSWORD: PASSWORD}
    done = classic.project.run("attest", name, f"--sign-key={tmp_path / 'mine.key'}", env={**classic.env, **password})
    assert done.code == 0, done.err
    found = classic.run("audit", name, f"--key={tmp_path / 'mine.pub'}", "--format=json").images[0]
    assert found["passed"], found


def test_another_builder_brings_it_an_image(classic: Classic, tmp_path: Path) -> None:
    """Here the BuildKit of the first engine; what it makes is loaded, and keeps its configuration."""
    near = Path(HOST.removeprefix("unix://"))
    with forwarded(tmp_path / "buildkit.sock", near):
        env = {**classic.env, "BUILDX_CONFIG": str(tmp_path / "buildx")}
        create = ("docker", "buildx", "create", "--name=far", "--driver=remote", f"unix://{tmp_path}/buildkit.sock")
        subprocess.run(create, check=True, capture_output=True, env={**os.environ, **env})
        classic.project.template(f"RUN echo {secrets.token_hex(4)} >/opt/one")
        done = classic.project.build("--builder=far", "--format=json", env=env)
    assert done.code == 0, done.err
    found = done.images[0]
    assert (found["outcome"], found["digest"]) == ("built", classic.digest())
    assert classic.python(found["digest"], "print(len(open('/opt/one').read()))") == "9"


def test_what_is_kept_for_publishing_can_be_removed(classic: Classic, server: Server) -> None:
    classic.push(server)
    said = classic.run("clean", "--layers", "--bases").out
    assert f"layers {classic.cache}/layout (" in said
    assert f"base {REPOSITORY}:" in said
    assert list((classic.cache / "layout/blobs/sha256").iterdir()) == []
    assert classic.push(server).images[0]["outcome"] == "unchanged"
