"""Where a digest comes from: this engine, a registry, or image-info.json; and the real readers of what is printed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.catalogue.image_info_file import load
from tests.support.command_line import CommandResult
from tests.support.project import Project, locked_project
from tests.support.registries import Server, registry

READ_AZUREML = """
import json, os, sys
from azure.ai.ml import load_environment, load_job
environment = load_environment(source=sys.argv[1])
job = load_job(source=sys.argv[2])
print(json.dumps({"image": environment.image, "name": environment.name, "version": environment.version,
    "path": environment.build and os.path.join(environment.base_path, environment.build.path), "dockerfile": environment.build and
    environment.build.dockerfile_path, "shm": job.resources.shm_size, "job": job.environment.image}))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def published(project_with_image: Project, server: Server) -> tuple[Project, str]:
    """A project whose image is in the registry under its immutable tag and one rolling one."""
    tags = project_with_image.tags()
    chosen = [tag for tag in tags if tag == "1.0.0-cpu-debian12" or "-py3" in tag]
    for tag in chosen:
        name = f"{server.host}/team/{project_with_image.repository}:{tag}"
        docker("tag", f"{project_with_image.repository}:{tag}", name)
        docker("push", "--quiet", name)
        docker("rmi", "--no-prune", name)
    return project_with_image, tags[chosen[0]]


@pytest.fixture(scope="module")
def project_with_image(tmp_path_factory: pytest.TempPathFactory, site_file: Path, locked: Path) -> Project:
    project = locked_project(tmp_path_factory.mktemp("reference") / "project", site_file, locked)
    done = project.build()
    assert done.code == 0, done.err
    return project


def docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, capture_output=True)


def refer(project: Project, *more: str, form: str = "reference") -> CommandResult:
    return project.run(
        "reference",
        "--version=1",
        f"--format={form}",
        f"--site={project.site}",
        f"--repository={project.repository}",
        *more,
    )


def test_the_engine_answers_and_says_that_nobody_else_can_pull(project_with_image: Project) -> None:
    project = project_with_image
    digest = project.tags()["1.0-cpu"]
    done = refer(project)
    assert (done.code, done.out) == (0, f"{project.repository}@{digest}\n"), done.err
    assert "on this engine only" in done.err
    run = refer(project, form="docker-run").out.replace("-it ", "").replace("python train.py", "python -c 'print(6*7)'")
    assert subprocess.run(run, shell=True, capture_output=True, text=True, check=True).stdout == "42\n"
    assert refer(project, "--by-tag").out.startswith(f"{project.repository}:1.0.0-cpu-py3.11-debian12-")


def test_the_registry_answers_with_the_digest_it_holds(published: tuple[Project, str], server: Server) -> None:
    project, digest = published
    done = refer(project, f"--registry={server.host}/team")
    assert (done.code, done.out) == (0, f"{server.host}/team/{project.repository}@{digest}\n"), done.err
    assert "on this engine only" not in done.err


def test_image_info_is_the_same_twice_and_answers_for_the_registry(
    published: tuple[Project, str], server: Server, tmp_path: Path
) -> None:
    project, digest = published
    flags = (f"--registry={server.host}/team", f"--repository={project.repository}", f"--site={project.site}")
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        done = project.run("image-info", *flags, f"--output={file}")
        assert done.code == 0, done.err
    assert files[0].read_bytes() == files[1].read_bytes()
    info = load(files[0])[0]
    assert info.image
    assert info.image.digest == digest
    assert info.image.is_current
    assert info.image.verification
    assert "pins" in info.image.verification.summary
    assert {tag for place in info.image.places for tag in place.tags} >= {"1.0.0-cpu-debian12"}
    assert info.image.compressed
    assert info.image.compressed == sum(one.compressed or 0 for one in info.image.layers)
    assert info.image.unpacked
    assert info.image.unpacked > info.image.compressed
    assert info.image.inputs
    assert info.image.inputs.pins["six"] == "1.17.0"
    offline = refer(project, f"--image-info={files[0]}")
    assert offline.out == f"{server.host}/team/{project.repository}@{digest}\n"


def test_an_image_that_is_not_there_is_said_with_what_to_do(published: tuple[Project, str], server: Server) -> None:
    project, _ = published
    done = refer(project, f"--registry={server.host}/elsewhere")
    assert (done.code, done.out) == (1, "")
    assert f"{server.host}/elsewhere has no verified image of it" in done.err
    wrong = refer(project, "--registry=https://x/y")
    assert wrong.code == 2
    assert "is no registry" in wrong.err


def test_what_azure_ml_reads(published: tuple[Project, str], server: Server, tmp_path: Path) -> None:
    """`load_environment` and `load_job` of azure-ai-ml, in a process of their own: their import takes seconds."""
    project, digest = published
    image = f"{server.host}/team/{project.repository}@{digest}"
    where = (f"--registry={server.host}/team", f"--output={tmp_path}/image")
    assert refer(project, *where, form="azureml-v2-image").out == f"{tmp_path}/image/environment.yml\n"
    job = {
        "$schema": "https://azuremlschemas.azureedge.net/latest/commandJob.schema.json",
        "command": "python train.py",
        "environment": {"image": yaml.safe_load((tmp_path / "image/environment.yml").read_text())["image"]},
        "compute": "azureml:gpu",
        "resources": {"instance_count": 1, "shm_size": "2g"},
    }
    (tmp_path / "job.yml").write_text(yaml.safe_dump(job))
    found = azureml(tmp_path / "image/environment.yml", tmp_path / "job.yml")
    assert (found["image"], found["job"], found["shm"]) == (image, image, "2g")
    assert found["version"].startswith("sha256-")

    done = refer(project, f"--output={tmp_path}/build", form="azureml-v2-build")
    assert done.code == 0, done.err
    assert (tmp_path / "build/context/Dockerfile").read_text() == (
        project.root / "images" / project.cell / "Dockerfile"
    ).read_text()
    found = azureml(tmp_path / "build/environment.yml", tmp_path / "job.yml")
    assert (found["image"], found["dockerfile"]) == (None, "Dockerfile")
    assert Path(found["path"]).resolve() == (tmp_path / "build/context").resolve()


def azureml(environment: Path, job: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", READ_AZUREML, str(environment), str(job)]
    quiet = {**os.environ, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_what_kubernetes_accepts(published: tuple[Project, str], server: Server) -> None:
    """The strict schemas of Kubernetes itself: an unknown key is a mistake."""
    from kubernetes_validate.utils import validate

    project, digest = published
    pod = yaml.safe_load(refer(project, f"--registry={server.host}/team", form="kubernetes").out)
    assert pod["spec"]["containers"][0]["image"].endswith(digest)
    validate(pod, "1.33", strict=True)


def test_an_image_holds_what_its_row_promises_and_a_changed_row_is_told(project_with_image: Project) -> None:
    project = project_with_image
    image = f"{project.repository}:1.0-cpu"
    done = project.run("diff", project.cell, image, f"--site={project.site}", "--format=json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["differences"]
    assert {one["change"] for one in found} <= {"added"}, "pip's own companions, and nothing that the row promises"
    same = project.run("diff", image, image, f"--site={project.site}")
    assert (same.code, same.out.strip()) == (0, ""), same.err
    assert "no difference" in same.err
