"""Rolling tags of a release move when all of it is published: every device, every platform."""

import json
from pathlib import Path

import yaml

from builder.commands import drift
from builder.commands.flags.nightly import DriftOptions
from builder.host.site import Site
from builder.matrix.load import load
from builder.registry import manifests
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from tests.support.command_line import ROOT, builder
from tests.support.project import NewProject
from tests.support.push import push
from tests.support.registries import Server, image, published
from tests.support.second_platform import second_platform
from tests.support.signing_keys import make_key


def test_rolling_tags_wait_for_every_device(new_project: NewProject, server: Server, prefix: str) -> None:
    project = new_project()
    matrix = yaml.safe_load((project.root / "matrix.yaml").read_text("utf-8"))
    matrix["releases"][0]["devices"] = ["cpu", "gpu"]
    (project.root / "matrix.yaml").write_text(yaml.safe_dump(matrix, sort_keys=False), "utf-8")
    assert project.run("lock", f"--site={project.site}").code == 0
    project.render()
    one = project.build("--cpu")
    assert one.code == 0, one.err
    half = push(project, f"{server.host}/{prefix}", more=("--version=1", "--keep-going"))
    assert half.code == 1, half.err
    assert "the rolling tags of" in half.err
    (tag,) = published(server.host, f"{prefix}/{project.repository}")
    assert tag.startswith("1.0.0-cpu-py3")
    assert project.build("--gpu").code == 0
    whole = push(project, f"{server.host}/{prefix}")
    assert whole.code == 0, whole.err
    assert published(server.host, f"{prefix}/{project.repository}") == project.tags()
    assert {"1.0-cpu", "1.0-gpu"} <= project.tags().keys()


def test_rolling_tags_wait_for_every_platform(new_project: NewProject, server: Server, prefix: str) -> None:
    """The tag without a platform is the default one's; the other platform has its own."""
    project = new_project()
    second_platform(project)
    one = project.build("--platform=debian12")
    assert one.code == 0, one.err
    half = push(project, f"{server.host}/{prefix}", more=("--version=1", "--platform=any", "--keep-going"))
    assert half.code == 1, half.err
    assert "the rolling tags of" in half.err
    (tag,) = published(server.host, f"{prefix}/{project.repository}")
    assert tag.startswith("1.0.0-cpu-py3")
    both = project.build("--platform=any")
    assert both.code == 0, both.err
    whole = push(project, f"{server.host}/{prefix}", more=("--version=1", "--platform=any"))
    assert whole.code == 0, whole.err
    found = published(server.host, f"{prefix}/{project.repository}")
    assert found == project.tags()
    assert found["1.0-cpu"] == found["1.0-cpu-debian12"] != found["1.0-cpu-bookworm"]


def test_a_tag_that_no_row_has_any_more_is_reported(server: Server, prefix: str, tmp_path: Path) -> None:
    """Derived and immutable tags are nobody's rolling tags, and a selection says nothing of other rows' tags."""
    foreign = ["0.24-cpu", "1.9", "latest", "latest-gpu"]
    tags = (*foreign, "0.24.1-cpu-py3.6-debian12-0123abcd", "1.9.1-cpu-debian12-0123456789ab", "team")
    name = f"{prefix}/scikit-learn"
    with connected(server.host) as connection:
        content = image(connection, name, b"layer")
        for tag in tags:
            manifests.put(connection, name, tag, content, OCI_MANIFEST)
    make_key(tmp_path, "key")
    flags = (f"--registry={server.host}/{prefix}", f"--key={tmp_path / 'key.pub'}", "--format=json")
    found = builder("verify-published", *flags, cwd=ROOT, scratch=tmp_path)
    assert found.code == 1
    lines = json.loads(found.out)["tags"]
    assert [one["tag"] for one in lines] == foreign
    assert all(one["digest"] == manifests.digest_of(content) and "no row" in one["problems"][0] for one in lines)
    some = builder("verify-published", "--only=*1.6*", *flags, cwd=ROOT, scratch=tmp_path)
    assert "nothing of the selected images is there" in some.err
    drifted = drift.orphaned(DriftOptions(registries=(f"{server.host}/{prefix}",)), load(ROOT / "matrix.yaml"), Site())
    assert [one.subject for one in drifted] == [f"{server.host}/{name}:{tag}" for tag in foreign]
