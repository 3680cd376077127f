"""Another default platform, on the same engine and registry: rolling tags stay where they are until the flag is given."""

from pathlib import Path

import yaml

from builder.build.platform_change import FLAG
from tests.support.command_line import CommandResult
from tests.support.project import NewProject, Project
from tests.support.push import push
from tests.support.registries import Server, published
from tests.support.second_platform import second_platform


def on(project: Project, verb: str, *words: str) -> CommandResult:
    """The verb on a site that prefers the other platform."""
    return project.run(verb, *words, f"--site={other_site(project)}", f"--repository={project.repository}")


def other_site(project: Project) -> Path:
    site = {**yaml.safe_load(project.site.read_text("utf-8")), "default-platform": "bookworm"}
    file = project.root / "other.yaml"
    file.write_text(yaml.safe_dump(site), "utf-8")
    return file


def refused(done: CommandResult, code: int, tags: int = 3) -> None:
    assert done.code == code, done.err
    assert done.err.count(f"not without {FLAG}") == tags, done.err
    assert f"try: {FLAG} moves it" in done.err
    assert "moves from the image of debian12, sha256:" in done.err


def test_tags_of_another_platform_move_by_the_flag_alone(new_project: NewProject, server: Server, prefix: str) -> None:
    project, where = new_project(), f"{server.host}/{prefix}"
    second_platform(project)
    assert project.build().code == 0
    assert push(project, where).code == 0
    before, there = project.tags(), published(server.host, f"{prefix}/{project.repository}")

    planned = on(project, "plan", "--version=1")
    assert planned.code == 0
    assert f"{project.repository}:1.0-cpu moves from the image of debian12" in planned.out
    refused(on(project, "build", "--version=1"), 2)
    refused(on(project, "build", "--version=1", "--keep-going"), 1)
    assert project.tags() == before, "nothing was built and nothing tagged"

    own = project.build("--platform=bookworm")
    assert own.code == 0, own.err
    (made,) = {digest for tag, digest in project.tags().items() if tag == "1.0.0-cpu-bookworm"}
    before = project.tags()
    refused(on(project, "tag", made), 2)
    refused(on(project, "tag", made, "--dry-run"), 2)
    refused(on(project, "push", "--version=1", f"--registry={where}"), 1)
    refused(on(project, "nightly", "--platform=bookworm", f"--registry={where}"), 1, 6)
    assert project.tags() == before
    assert published(server.host, f"{prefix}/{project.repository}") == there

    moved = on(project, "build", "--version=1", FLAG)
    assert moved.code == 0, moved.err
    assert f"{project.repository}:1.0-cpu moves from the image of debian12" in moved.err
    assert project.tags()["1.0-cpu"] == made
    planned = on(project, "plan", "--version=1", "--push", f"--registry={where}")
    assert f"{where}/{project.repository}:1.0-cpu moves from the image of debian12" in planned.out
    source = f"{where}/{project.repository}:1.0.0-cpu-bookworm"
    pushed = on(project, "push", "--version=1", f"--registry={where}", FLAG)
    assert pushed.code == 0, pushed.err
    assert "1.0-cpu moves from the image of debian12" in pushed.err
    assert push(project, f"{where}/b").code == 0
    refused(on(project, "promote", source, f"--registry={where}/b"), 1)
    assert on(project, "promote", source, f"--registry={where}/b", FLAG).code == 0
    assert published(server.host, f"{prefix}/b/{project.repository}")["1.0-cpu"] == made
