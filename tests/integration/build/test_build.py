"""From a row to a verified, tagged image, through the command line and the real engine."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import docker

from builder.matrix.names import LABEL_FINGERPRINT
from tests.support.command_line import NOWHERE, ROOT, CommandResult, builder
from tests.support.project import NewProject

ROLLING = {"1.0-cpu", "1.0.0-cpu", "1.0-cpu-debian12", "1.0.0-cpu-debian12"}
DOCUMENTED = {"cuda": "10.1", "cudnn": "7.6.3", "nccl": "2.4.8", "horovod": "0.18.1", "torch": "1.4.0"}
OFFLINE = ("unshare", "--map-root-user", "--net")


def label(engine: docker.DockerClient, digest: str, name: str) -> str:
    return str(engine.images.get(digest).labels[name])


def test_another_framework_needs_a_row_and_a_template(engine: docker.DockerClient, new_project: NewProject) -> None:
    """Built, verified and tagged; the second run knows it; an immutable tag never moves."""
    project = new_project()
    first = project.build("--format=json")
    assert first.code == 0, first.err
    found = first.images[0]
    fingerprint = label(engine, found["digest"], LABEL_FINGERPRINT)
    immutable = f"1.0.0-cpu-py3.11-debian12-{fingerprint[:8]}"
    assert project.tags().keys() >= ROLLING | {immutable}
    assert set(project.tags().values()) == {found["digest"]}
    assert found["tags"][0] == f"{project.repository}:{immutable}"
    assert f"{project.cell}: built {found['digest'][:19]} in " in first.err
    assert re.search(r"3 pins, 3 asserted; \d+ passed, 0 failed, ", first.err)

    again = project.build("--format=json")
    assert (again.code, again.images[0]["outcome"], again.images[0]["digest"]) == (0, "unchanged", found["digest"])
    assert f"already built and verified: {project.repository}:{immutable}" in again.err
    assert (
        f"for --no-cache to repeat it, first: docker rmi {project.repository}:{immutable}"
        in project.build("--no-cache").err
    )
    assert "verifying" not in again.err
    print(f"toy image: {first.seconds:.1f} s; again: {again.seconds:.1f} s")

    engine.api.remove_image(f"{project.repository}:1.0-cpu", noprune=True)
    assert project.build().code == 0
    assert project.tags()["1.0-cpu"] == found["digest"], "a rolling tag is set again"
    assert list(project.scratch.iterdir()) == []


def test_an_immutable_tag_on_another_image_is_refused(
    engine: docker.DockerClient, new_project: NewProject, built_image: str
) -> None:
    project = new_project()
    assert project.build().code == 0
    immutable = next(tag for tag in project.tags() if "-py3.11-" in tag)
    before = project.tags()["1.0-cpu"]
    engine.api.tag(built_image, project.repository, immutable, force=True)
    done = project.build("--format=json")
    assert (done.code, done.images[0]["outcome"]) == (1, "failed")
    fingerprints = [label(engine, digest, LABEL_FINGERPRINT) for digest in (before, built_image)]
    assert f"{project.repository}:{immutable} is on {built_image}" in done.err
    assert all(fingerprint in done.err for fingerprint in fingerprints), done.err
    assert (project.tags()[immutable], project.tags()["1.0-cpu"]) == (built_image, before), "no tag moved"


def test_a_dry_run_needs_no_engine_and_no_network(new_project: NewProject) -> None:
    project = new_project()
    shutil.rmtree(project.root / "tmp")
    done = project.build("--dry-run", "--print", env={**NOWHERE, "PATH": "/nonexistent"}, before=offline())
    assert done.code == 0, done.err
    assert project.cell in done.out
    assert "no engine: what exists is not known" in done.out
    assert (project.root / f"images/{project.cell}/Dockerfile").read_text() in done.out
    assert not project.logs.exists()


def offline() -> tuple[str, ...]:
    """The words that take the network away, where this machine allows it."""
    tool = shutil.which(OFFLINE[0])
    words = (str(tool), *OFFLINE[1:])
    return words if tool and subprocess.run([*words, "true"], check=False).returncode == 0 else ()


def test_changed_images_directory_is_stale(new_project: NewProject) -> None:
    project = new_project()
    (project.root / f"images/{project.cell}/Dockerfile").write_text("FROM scratch\n")
    done = project.build(env=NOWHERE)
    assert done.code == 3
    assert f"images/ is not what the matrix gives for {project.cell}" in done.err
    assert "python -m builder render" in done.err


def test_scikit_learn_is_built(engine: docker.DockerClient, built_image: str) -> None:
    row = json.loads(label(engine, built_image, "framework-images.row"))
    assert (row["framework"], row["platform"]) == ("scikit-learn", "debian12")


def test_pytorch_1_4_for_gpu_holds_what_is_documented(
    engine: docker.DockerClient, pytorch_image: CommandResult, tmp_path: Path
) -> None:
    """The long one: Horovod compiled in its own stage, and every documented pin read inside the image."""
    found = pytorch_image.images[0]
    row = json.loads(label(engine, found["digest"], "framework-images.row"))
    assert {name: row["pins"][name]["value"] for name in DOCUMENTED} == DOCUMENTED
    flags = ("--format=json", f"--log-dir={tmp_path}")
    done = builder("verify", found["digest"], *flags, cwd=ROOT, scratch=tmp_path / "tmp")
    assert done.code == 0, done.err
    report = done.images[0]
    outcomes = {check["name"]: check["outcome"] for check in report["checks"]}
    assert "failed" not in outcomes.values()
    assert {outcomes[f"pins: {name}"] for name in DOCUMENTED} == {"passed"}
    assert outcomes["pytorch: horovod allreduce of two processes"] == "passed"
    measured = {name: report["measured"][name] for name in ("cuda", "cudnn", "nccl")}
    assert measured["cuda"].startswith("10.1")
    assert found["size"] > 500e6
    print(
        f"pytorch 1.4 gpu: {measured}; {found['seconds']} s, {found['size'] / 1e9:.2f} GB, verify {report['seconds']} s"
    )
    assert [check for check in report["checks"] if check["outcome"] == "not-checked"], (
        "without a GPU some are not checked"
    )
