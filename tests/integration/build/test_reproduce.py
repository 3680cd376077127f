"""The same inputs give the same bytes, and what does not is named."""

from pathlib import Path

import docker

from builder.matrix.names import LABEL_ROW
from tests.support.command_line import ROOT, builder
from tests.support.project import NewProject


def test_scikit_learn_is_the_same_twice(
    site_file: Path, built_image: str, engine: docker.DockerClient, tmp_path: Path
) -> None:
    before = {image["Id"] for image in engine.api.images(filters={"label": LABEL_ROW})}
    cell = "scikit-learn/1.9.1-cpu-debian12"
    flags = (f"--site={site_file}", f"--log-dir={tmp_path}/logs", "--format=json")
    done = builder("reproduce", cell, *flags, cwd=ROOT, scratch=tmp_path / "tmp")
    assert done.code == 0, done.out + done.err
    (row,) = done.images
    assert (row["outcome"], row["differences"]) == ("equal", [])
    assert row["digest"] == built_image, "the image that was built, verified and tagged has these bytes too"
    assert all(path.startswith(("/etc/", "/var/")) for path in row["hidden"]), "what dpkg changes of the base"
    assert {image["Id"] for image in engine.api.images(filters={"label": LABEL_ROW})} <= before, "it keeps none"


def test_a_file_that_differs_is_named(new_project: NewProject) -> None:
    project = new_project("RUN date +%N > /srv/odd")
    done = project.run("reproduce", project.cell, f"--site={project.site}", "--log-dir=logs")
    assert done.code == 1, done.err
    differences = [line.partition("): ")[2] for line in done.out.splitlines() if line.startswith(f"{project.cell}: ")]
    assert {line.partition(":")[0] for line in differences} == {"/srv", "/srv/odd"}
    assert any("content" in line or "size" in line for line in differences)
    assert project.tags() == {}
    assert project.run("reproduce", "toy/9", f"--site={project.site}").code == 2
