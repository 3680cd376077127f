"""Records of what this host verified: by a verb, the same each time, and told wherever the state of a cell is."""

from dataclasses import replace

from builder.build.records import FILE, load
from builder.matrix.rehearsal import REPOSITORY
from tests.support.project import NewProject

CHECK = "def test_own(host):\n    assert host.file('/opt/env').exists\n"


def test_what_passed_is_recorded_and_told_until_matrix_or_checks_change(new_project: NewProject) -> None:
    project = new_project()
    site, file = f"--site={project.site}", project.root / FILE
    record = ("record", "--all", site)

    early = project.run(*record)
    assert early.code == 1
    assert f"{project.cell}: no image here passed today's checks" in early.err
    assert not file.exists()

    built = project.build("--format=json")
    done = project.run(*record, "--format=json")
    assert done.code == 0, done.err
    (row,) = done.images
    assert (row["outcome"], row["status"], row["digest"]) == ("recorded", "verified", built.images[0]["digest"])
    text = file.read_text()
    assert load(file, {project.cell})[project.cell].pins
    again = project.run(*record, "--format=json")
    assert (again.images[0]["outcome"], file.read_text()) == ("unchanged", text)

    def told() -> str:
        return str(project.run("list", site, "--format=json").images[0]["status"])

    day = row["day"]
    assert told() == f"verified {day}"
    project.check(CHECK)
    assert told() == f"verified {day}, by earlier checks"
    assert project.run("verify", row["digest"]).code == 0
    assert project.run(*record).code == 0
    assert told() == f"verified {day}"
    text = file.read_text()
    project.template("RUN true")
    assert told() == f"verified {day}, of an earlier matrix"
    judged = project.run("validate", "-v", site)
    assert judged.code == 0, judged.err
    assert f"note: 1 records of an earlier matrix: {project.cell}" in judged.err
    assert project.run(*record).code == 1
    assert file.read_text() == text, "what is recorded stays until something takes its place"


def test_a_rehearsal_is_not_recorded_as_the_real_thing(new_project: NewProject) -> None:
    project = new_project('LABEL framework-images.rehearsal="not the real thing"')
    project = replace(project, repository=f"{REPOSITORY}/{project.repository}")
    assert project.build().code == 0
    done = project.run("record", "--all", f"--site={project.site}")
    assert done.code == 1, done.err
    assert not (project.root / FILE).exists()
