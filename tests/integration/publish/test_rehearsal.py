"""A rehearsal stays on its engine: no verb pushes, promotes, attests or derives from it, or tags it as the real thing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.matrix.names import LABEL_REHEARSAL
from builder.matrix.rehearsal import REPOSITORY
from builder.publish.signing import keys
from tests.support.command_line import CommandResult
from tests.support.project import NewProject, Project
from tests.support.registries import Server, published
from tests.support.signing_keys import PASSWORD, make_key


@pytest.fixture
def rehearsed(new_project: NewProject) -> Iterator[tuple[Project, str]]:
    """A project whose image says that it is a rehearsal, and the digest, tagged as rehearsals are."""
    project = new_project(f"LABEL {LABEL_REHEARSAL}='not the real thing'")
    named = (f"--site={project.site}", f"--repository={REPOSITORY}/{project.repository}")
    done = project.run("build", "--version=1", *named, "--log-dir=logs", "--format=json")
    assert done.code == 0, done.err
    digest = str(done.images[0]["digest"])
    try:
        yield project, digest
    finally:
        subprocess.run(["docker", "rmi", "--force", digest], check=False, capture_output=True)


def refused(done: CommandResult) -> None:
    assert done.code == 2, done.err
    assert "it is a rehearsal, as its label framework-images.rehearsal says" in done.err


def test_a_rehearsal_is_never_published(
    rehearsed: tuple[Project, str], server: Server, prefix: str, tmp_path: Path
) -> None:
    project, digest = rehearsed
    make_key(tmp_path, "mine")
    where, name = f"{server.host}/{prefix}", f"{prefix}/{project.repository}"
    site, named = f"--site={project.site}", f"--repository={project.repository}"
    to = (site, named, "--version=1", f"--registry={where}", "--log-dir=logs")
    signed = ("--attest", f"--sign-key={tmp_path / 'mine.key'}")
    secret = {keys.PASSWORD: PASSWORD}

    refused(project.run("push", *to))
    refused(project.run("push", *to, *signed, env=secret))
    refused(project.run("tag", digest, site, named))
    refused(project.run("tag", digest, site, "--dry-run"))
    assert project.run("tag", digest, site, f"--repository={REPOSITORY}/{project.repository}").code == 0
    by_build = project.run("build", *to, "--push")
    assert by_build.code == 1
    assert "it is a rehearsal" in by_build.err
    refused(project.run("derive", "--from", digest, "--pip-package=six", site))
    assert published(server.host, name) == {}
    assert project.tags() == {}

    # As somebody would without this program: then it counts for nothing.
    pushed = f"{where}/{project.repository}:1.0-cpu"
    for command in (["docker", "tag", digest, pushed], ["docker", "push", "--quiet", pushed]):
        subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["docker", "rmi", "--no-prune", pushed], check=True, capture_output=True)
    refused(project.run("promote", pushed, f"--registry={where}-b", site, named))
    refused(project.run("attest", pushed, *signed[1:], site, env=secret))
    refused(project.run("attest", pushed, "--dry-run", site))
    assert published(server.host, f"{prefix}-b/{project.repository}") == {}
