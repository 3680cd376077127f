"""What goes wrong in a build is said with its place, its cause and the next command; no tag is ever set."""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.support.command_line import NOWHERE, ROOT, builder
from tests.support.project import STACK, NewProject, Project

PURELIB = "$(/opt/env/bin/python -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')"
WRONG_VERSION = f"RUN sed -i 's/^Version: .*/Version: 0.0.1/' \"{PURELIB}\"/six-*.dist-info/METADATA"
WITHOUT = f'RUN rm -r "{PURELIB}"/six*'
FAILING = "RUN echo before && for line in one two three; do echo line $line; done && exit 7"
FULL = "RUN --mount=type=tmpfs,target=/small,size=1048576 dd if=/dev/zero of=/small/file bs=1M count=4"
HALF_BROKEN = '{% if spec.version == "1.0.0" %}RUN exit 7{% endif %}'


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (WRONG_VERSION, "pins: six: six: the row says 1.17.0, the image holds 0.0.1 (python-distribution)"),
        (WITHOUT, "pins: six: six: the row says 1.17.0, the image holds none (python-distribution)"),
    ],
    ids=["wrong version", "missing package"],
)
def test_a_failing_verification_leaves_no_tag(new_project: NewProject, contents: str, words: str) -> None:
    project = new_project(contents)
    done = project.build()
    assert done.code == 1
    assert f"{words}\n" in done.err
    assert "is not what its row promises, no tag was moved" in done.err
    assert "try: python -m builder verify sha256:" in done.err
    assert project.tags() == {}


def test_a_wrong_label_fails(new_project: NewProject) -> None:
    project = new_project()
    template = project.root / "templates" / "image.j2"
    template.write_text(
        template.read_text().replace("{{ row | quoted }}", "{{ row.replace('1.17.0', '1.16.0') | quoted }}")
    )
    project.render()
    done = project.build()
    assert done.code == 1
    assert (
        "image: label is the expected row: the label is not the row: pins.six.value is 1.16.0, not 1.17.0" in done.err
    )
    assert project.tags() == {}


def test_a_failing_step_is_named_with_its_log_and_its_replay(new_project: NewProject) -> None:
    project = new_project(FAILING)
    done = project.build()
    assert done.code == 1
    assert "the build failed after" in done.err
    assert "RUN echo before" in done.err.partition("the build failed after")[2].splitlines()[0]
    assert "    line one\n    line two\n    line three\n" in done.err
    log = project.root / line_of(done.err, "log: ")
    assert "line three" in log.read_text()
    assert re.match(r" +\d+\.\d \+ docker buildx build --progress=plain ", log.read_text())
    assert project.tags() == {}
    replay = line_of(done.err, "replay: python -m builder ").split()
    again = project.run(*replay)
    assert (again.code, "    line three\n" in again.err) == (1, True)
    assert list(project.scratch.iterdir()) == []


def line_of(text: str, start: str) -> str:
    """What follows `start` on the line that has it."""
    return next(line.strip().removeprefix(start) for line in text.splitlines() if line.strip().startswith(start))


@pytest.mark.parametrize("keep", [True, False])
def test_keep_going(new_project: NewProject, keep: bool) -> None:
    project = new_project(HALF_BROKEN, versions=("1.0.0", "2.0.0"))
    done = project.build("--all", "--jobs=1", "--format=json", *(("--keep-going",) if keep else ()))
    assert done.code == 1
    outcomes = {image["name"].partition("/")[2]: image["outcome"] for image in done.images}
    assert outcomes == {"1.0.0-cpu-debian12": "failed", "2.0.0-cpu-debian12": "built" if keep else "not built"}
    assert ("2.0-cpu" in project.tags()) is keep
    assert "1.0-cpu" not in project.tags()


def test_a_full_disk_is_named(new_project: NewProject) -> None:
    done = new_project(FULL).build()
    assert done.code == 1
    assert "No space left on device" in done.err
    assert "try: the engine's disk is full" in done.err


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The URL of a small file on this host."""
    directory = tmp_path / "served"
    directory.mkdir()
    (directory / "file").write_text("content")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/file"
        server.shutdown()


def test_a_wrong_sha256_is_named(new_project: NewProject, served: str) -> None:
    right, wrong = hashlib.sha256(b"content").hexdigest(), hashlib.sha256(b"other").hexdigest()
    done = new_project(f"ADD --checksum=sha256:{wrong} {served} /opt/file").build()
    assert done.code == 1
    assert right in done.err
    assert wrong in done.err
    assert "a download is not the file the matrix pins" in done.err


def with_site(project: Project, **changes: object) -> str:
    """The flag of a site that is the session's but for some keys."""
    site = yaml.safe_load(project.site.read_text())
    file = project.root / "other-site.yaml"
    file.write_text(yaml.safe_dump({**site, **changes}))
    return f"--site={file}"


def test_an_unreachable_base(new_project: NewProject) -> None:
    project = new_project()
    matrix = yaml.safe_load((project.root / "matrix.yaml").read_text())
    matrix["platforms"]["debian12"]["base"]["image"] = "127.0.0.1:9/debian:absent"
    (project.root / "matrix.yaml").write_text(yaml.safe_dump(matrix))
    project.render()
    done = project.build(with_site(project, base="pull"))
    assert done.code == 1
    assert "127.0.0.1:9" in done.err
    assert "try: the base cannot be pulled: bootstrap it" in done.err


def test_an_unreachable_mirror(new_project: NewProject, tmp_path: Path) -> None:
    """Without a cached base that ends the run; with one, the build says it, when it needs a package."""
    project = new_project()
    site = with_site(project, **{"apt-sources": "deb http://127.0.0.1:9/debian bookworm main\n"})
    cold = project.build(site, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert cold.code == 1
    assert "http://127.0.0.1:9/debian" in cold.err
    assert "try: " in cold.err

    matrix = yaml.safe_load((project.root / "matrix.yaml").read_text())
    matrix["stacks"][STACK]["packages"]["runtime"].append("sl")
    (project.root / "matrix.yaml").write_text(yaml.safe_dump(matrix))
    project.render()
    warm = project.build(site)
    assert warm.code == 1
    assert "using the newest cached base" in warm.err
    assert "127.0.0.1:9" in warm.err
    assert "try: a source does not answer from inside the build" in warm.err
    assert project.tags() == {}


def test_a_missing_ca_bundle_is_an_input_error(new_project: NewProject) -> None:
    project = new_project()
    done = project.build(with_site(project, **{"ca-bundle": "absent.pem"}), env=NOWHERE)
    assert done.code == 2
    assert "other-site.yaml:" in done.err
    assert "ca-bundle: no file that can be read: 'absent.pem': No such file or directory" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--version=1.7",), "pytorch 1.7: no such version"),
        (("--version=1.6", "--gpu", "--cpu"), "argument --cpu: not allowed with argument --gpu"),
        (("--framework=pytorsh",), "did you mean pytorch?"),
        (("--version=1.6", "--site=absent.yaml"), "absent.yaml"),
        (("--version=1.6", "--jobs=0"), "'0' is not a number from 1 to 64"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = builder("build", *arguments, cwd=ROOT, scratch=tmp_path, env=NOWHERE)
    assert done.code == 2
    assert words in done.err
    if "1.7" in arguments[0]:
        assert "there are 1.0.0, 1.1.0, 1.2.0, 1.3.1, 1.4.0, 1.5.0, 1.6.0" in done.err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1.17.0", "1.6; touch pwned"),
        ("1.17.0", "1.6 $(touch pwned)"),
        ("1.0.0", "../../pwned"),
        ("version: 1.0.0", '"version": "1.0\\0"'),
        ("version: 1.0.0", '"version": "1.0\\e[2J"'),
        ("1.17.0", "1" * 5_000_000),
        ("title: Toy", "title: &a [*a, *a]"),
    ],
)
def test_a_hostile_matrix_is_refused_and_nothing_runs(new_project: NewProject, old: str, new: str) -> None:
    project = new_project()
    file = project.root / "matrix.yaml"
    file.write_text(file.read_text().replace(old, new))
    done = project.build(env=NOWHERE)
    assert done.code == 2
    assert "matrix.yaml:" in done.err
    assert "\x1b" not in done.err
    assert len(done.err) < 5000
    assert list(project.root.parent.rglob("pwned*")) == []
