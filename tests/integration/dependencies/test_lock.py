"""The lock against real builds: a mirror that has moved is said, and a wheelhouse builds without an index."""

import hashlib
import json
import os
import signal
import threading
from pathlib import Path

import yaml

from tests.support.base_cache import stages_that_ran
from tests.support.package_index import Index, serving
from tests.support.project import NewProject, Project

BIG = "big-1.0-py3-none-any.whl"
CONTENT = bytes(1_000_000)
SMALL_DISK = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"'


def site(project: Project, index: str) -> str:
    """The flag of the project's site with another index, and no directory of wheels."""
    content = yaml.safe_load(project.site.read_text("utf-8"))
    content["pip"] = {"index-url": index, "extra-index-urls": [], "find-links": []}
    file = project.root / "other-site.yaml"
    file.write_text(yaml.safe_dump(content), "utf-8")
    return f"--site={file}"


def needing_big(project: Project) -> Project:
    """The project with a lock that has one file, which only a test's index can give."""
    file = project.root / "builder.lock"
    content = json.loads(file.read_text("utf-8"))
    for closure in content["closures"].values():
        closure["distributions"] = {"big": f"1.0 {BIG} sha256:{hashlib.sha256(CONTENT).hexdigest()}"}
    file.write_text(json.dumps(content), "utf-8")
    return project


def visible(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if not path.name.startswith(".")}


def test_a_build_says_where_its_mirror_has_moved(new_project: NewProject) -> None:
    project = new_project()
    file = project.root / "builder.lock"
    text = file.read_text("utf-8")
    now = next(line for line in text.splitlines() if '"libgomp1"' in line).split('"')[3]
    file.write_text(text.replace(f'"libgomp1": "{now}"', '"libgomp1": "1.0"'), "utf-8")
    assert project.run("render").code == 0
    done = project.build()
    assert done.code == 0, done.err
    assert f"{project.cell}: apt: libgomp1 1.0 → {now}; python -m builder lock --upgrade apt records it" in done.err
    assert "--upgrade base" not in done.err


def test_a_wheelhouse_builds_without_an_index(new_project: NewProject) -> None:
    project = new_project()
    wheels = project.root / "wheels"
    assert project.run("fetch", f"--site={project.site}", f"--to={wheels}").code == 0
    silent = site(project, "http://127.0.0.1:9/simple")
    six = next(path for path in wheels.iterdir() if path.name.startswith("six-"))
    good, bad = six.read_bytes(), bytearray(six.read_bytes())
    bad[len(bad) // 2] ^= 1
    six.write_bytes(bad)
    refused = project.build(silent, f"--wheelhouse={wheels}")
    assert refused.code == 2
    assert f"error: {wheels}: corrupt: six 1.17.0: {six.name}" in refused.err
    assert f"try: python -m builder fetch --to {wheels}" in refused.err
    checked = project.run("fetch", f"--check={wheels}", "--format=json")
    assert checked.code == 3
    assert [(row["name"], row["state"]) for row in json.loads(checked.out)["files"]] == [("six", "corrupt")]
    six.write_bytes(good)
    assert project.run("fetch", f"--check={wheels}").code == 0
    done = project.build(silent, f"--wheelhouse={wheels}")
    assert done.code == 0, done.err

    (wheels / "other-1.0-py3-none-any.whl").write_bytes(os.urandom(1_000_000))
    project.template("ENV MORE=1")
    done = project.build(silent, f"--wheelhouse={wheels}")
    assert done.code == 0, done.err
    assert stages_that_ran(project) == set(), "a file that is not installed changes nothing"


def test_ctrl_c_leaves_no_part_under_its_name_and_the_next_run_goes_on(new_project: NewProject) -> None:
    project = needing_big(new_project())
    wheels = project.root / "wheels"
    with serving(Index(files={BIG: CONTENT}, gate=threading.Event())) as index:
        flags = ("fetch", site(project, f"{index.url}/simple"), f"--to={wheels}")
        with project.started(*flags) as live:
            live.until(lambda: wheels.is_dir() and any(path.stat().st_size for path in wheels.glob(".*.part")))
            live.send(signal.SIGINT)
            assert index.gate
            index.gate.set()
            assert live.end() == 130
        assert not visible(wheels)
        done = project.run(*flags)
        assert done.code == 0, done.err
        assert visible(wheels) == {BIG}
        assert any("bytes=" in question for question in index.asked)


def test_a_full_disk_is_named(new_project: NewProject) -> None:
    project = needing_big(new_project())
    wheels = project.root / "wheels"
    wheels.mkdir()
    small = ("unshare", "--mount", "sh", "-c", SMALL_DISK, str(wheels))
    with serving(Index(files={BIG: CONTENT})) as index:
        done = project.run("fetch", site(project, f"{index.url}/simple"), f"--to={wheels}", before=small)
    assert done.code == 1
    assert "No space left on device" in done.err
    assert f"try: df -h {wheels}" in done.err
    assert not visible(wheels)
