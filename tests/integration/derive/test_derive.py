"""Derived images on a real engine and registry: a layer on a toy base, verified, named by its content, published."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from builder.matrix.names import LABEL_DERIVED, LABEL_FINGERPRINT
from tests.support.command_line import CommandResult
from tests.support.conda_channel import write_channel
from tests.support.project import Project, locked_project
from tests.support.registries import registry
from tests.support.wheels import write_toy, write_wheel


class Deriver:
    """A toy base that was built, a site with wheels of our own, and `derive` on it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.wheels = project.root / "wheels"
        self.name = f"{project.repository}-derived"
        self.start()
        site = yaml.safe_load(project.site.read_text("utf-8"))
        site["pip"] = {"find-links": [str(self.wheels)]}
        (project.root / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")

    def start(self) -> None:
        """The wheels of every test, and no check of our own."""
        shutil.rmtree(self.wheels, ignore_errors=True)
        shutil.rmtree(self.project.root / "templates" / self.project.framework, ignore_errors=True)
        write_wheel(self.wheels, "fiapple", "1.0", "fipear>=1")
        write_wheel(self.wheels, "fipear", "1.0")
        write_wheel(self.wheels, "six", "99.0")

    def derive(self, *argv: str, base: str = "1.0-cpu") -> CommandResult:
        flags = (
            "--from",
            base,
            "--site=site.yaml",
            f"--name={self.name}",
            f"--repository={self.project.repository}",
            "--format=json",
        )
        return self.project.run("derive", *flags, "--log-dir=logs", *argv)

    def made(self, *argv: str) -> dict[str, Any]:
        done = self.derive(*argv)
        assert done.code == 0, done.err
        return done.images[0]


@pytest.fixture(scope="module")
def base(site_file: Path, locked: Path, tmp_path_factory: pytest.TempPathFactory) -> Deriver:
    """One base for all tests of this file."""
    project = locked_project(tmp_path_factory.mktemp("derive") / "project", site_file, locked)
    deriver = Deriver(project)
    done = project.build()
    assert done.code == 0, done.err
    return deriver


@pytest.fixture
def deriver(base: Deriver) -> Deriver:
    """The base, and the wheels that every test starts from."""
    base.start()
    return base


def python(image: str, code: str) -> str:
    argv = ["docker", "run", "--rm", "--network=none", image, "python", "-c", code]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def test_packages_join_an_image_and_are_named_by_content(deriver: Deriver, engine: docker.DockerClient) -> None:
    found = deriver.made("--pip-package", "fiapple")
    assert found["outcome"] == "built"
    assert found["added"] == {"fiapple": "1.0", "fipear": "1.0"}
    assert (
        python(found["reference"], "import fiapple, fipear, six; print(fiapple.version, fipear.version)") == "1.0 1.0"
    )
    labels = engine.images.get(found["reference"]).labels
    assert LABEL_FINGERPRINT not in labels
    assert json.loads(labels[LABEL_DERIVED])["distributions"] == {"fiapple": "1.0", "fipear": "1.0"}
    planned = deriver.project.run("plan", "--version=1", f"--repository={deriver.project.repository}", "--format=json")
    assert json.loads(planned.out)["images"][0]["action"] == "skip", planned.out

    again = deriver.made("--pip-package", "FiApple>=0.5", "--pip-package", "fipear")
    assert (again["outcome"], again["digest"]) == ("unchanged", found["digest"])
    assert deriver.made("--pip-package", "six")["outcome"] == "nothing to add"

    base = engine.images.get(found["base"])
    layers = engine.images.get(found["reference"]).attrs["RootFS"]["Layers"]
    assert layers[:-1] == base.attrs["RootFS"]["Layers"]


def test_the_lock_is_written_beside_the_request_and_used(deriver: Deriver) -> None:
    file = deriver.project.root / "requirements.txt"
    digest = hashlib.sha256((deriver.wheels / "fipear-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    file.write_text(f"fipear==1.0 --hash=sha256:{digest}\n", "utf-8")
    deriver.made("--pip-requirements-file", str(file))
    lock = deriver.project.root / "requirements.lock.json"
    first = lock.read_text("utf-8")
    assert json.loads(first)["distributions"] == {"fipear": f"1.0 fipear-1.0-py3-none-any.whl sha256:{digest}"}
    write_wheel(deriver.wheels, "fipear", "2.0")
    assert deriver.made("--pip-requirements-file", str(file))["outcome"] == "unchanged"
    assert lock.read_text("utf-8") == first
    file.write_text(f"fipear==1.0 --hash=sha256:{'0' * 64}\n", "utf-8")
    done = deriver.derive("--pip-requirements-file", str(file))
    assert done.code == 2
    assert "has none of the hashes" in done.err


def test_what_the_image_holds_is_kept_unless_overridden(deriver: Deriver) -> None:
    done = deriver.derive("--pip-package", "six==99.0")
    assert done.code == 2
    assert "the image holds six 1.17.0, a pin of" in done.err
    assert "--override six" in done.err
    found = deriver.made("--pip-package", "six==99.0", "--override", "six")
    # The module six.py of the old version is gone; the new one is a package.
    assert (
        python(found["reference"], "import six; print(six.version, 'package' if six.__path__ else '')")
        == "99.0 package"
    )
    assert (
        python(
            found["reference"], "import os, six; print(os.path.exists(os.path.dirname(six.__path__[0]) + '/six.py'))"
        )
        == "False"
    )


def test_what_breaks_the_base_gets_no_tag(deriver: Deriver, engine: docker.DockerClient) -> None:
    before = tags(engine, deriver)
    write_wheel(deriver.wheels, "bad", "1.0", "nothing-of-that-name>=3 ; python_version < '3'")
    (deriver.project.root / "templates" / deriver.project.framework).mkdir(exist_ok=True)
    deriver.project.check(
        "def test_no_bad(host):\n    assert not host.file('/opt/env/lib/python3.11/site-packages/bad').exists, 'bad is there'\n"
    )
    done = deriver.derive("--pip-package", "bad")
    assert done.code == 1
    assert "bad is there" in done.err
    assert tags(engine, deriver) == before


def tags(engine: docker.DockerClient, deriver: Deriver) -> set[str]:
    return {tag for image in engine.images.list(deriver.name) for tag in image.tags}


def test_errors_of_a_base(deriver: Deriver, engine: docker.DockerClient) -> None:
    done = deriver.derive("--pip-package", "fipear", base="2.0-cpu")
    assert (done.code, "neither an image of this engine" in done.err) == (2, True)
    engine.api.tag(deriver.made("--pip-package", "fipear")["base"], deriver.name, "known")
    plain = f"{deriver.name}:plain"
    engine.api.import_image_from_data(empty(), repository=deriver.name, tag="plain")
    done = deriver.derive("--pip-package", "fipear", base=plain)
    assert (done.code, "it has no label" in done.err) == (2, True)
    assert deriver.derive("--pip-package", "fipear", base="-x").code == 2


def empty() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    return content.getvalue()


def test_packages_of_conda_from_a_channel_in_a_directory(deriver: Deriver) -> None:
    where = write_channel(deriver.project.root / "channel")
    found = deriver.made("--conda-package", "hello", "--channel", where, "--pip-package", "fipear")
    assert found["added"] == {"hello": "1.0", "libhello": "1.0", "fipear": "1.0"}
    said = subprocess.run(
        ["docker", "run", "--rm", found["reference"], "hello"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "hello from /opt/conda\n"
    assert (
        deriver.made("--conda-package", "hello", "--channel", where, "--pip-package", "fipear")["outcome"]
        == "unchanged"
    )
    done = deriver.derive("--conda-package", "pyhello", "--channel", where)
    assert (done.code, "conda's own Python" in done.err) == (2, True)
    done = deriver.derive("--conda-package", "nothing-of-that-name", "--channel", where)
    assert (done.code, "conda finds no packages" in done.err) == (2, True)


def test_an_image_is_published_beside_its_base_without_reading_it(
    deriver: Deriver, tmp_path: Path, engine: docker.DockerClient
) -> None:
    with registry(tmp_path / "registry") as server:
        done = deriver.derive("--pip-package", "fiapple", "--registry", server.host)
        assert (done.code, "push it there first" in done.err) == (1, True), done.err
        there = f"{server.host}/{deriver.project.repository}"
        base = engine.images.get(f"{deriver.project.repository}:1.0-cpu")
        engine.api.tag(base.id, there, "1.0-cpu")
        list(engine.api.push(there, "1.0-cpu", stream=True, decode=True))
        engine.api.remove_image(f"{there}:1.0-cpu", noprune=True)

        found = deriver.made("--pip-package", "fiapple", "--registry", server.host)
        assert found["published"].startswith(f"{server.host}/{deriver.name}:")
        before = server.said()
        assert deriver.made("--pip-package", "fiapple", "--registry", server.host)["published"] == found["published"]
        assert "PUT" not in server.said().removeprefix(before)

        for tag in base.tags:
            engine.api.remove_image(tag, noprune=True)
        # Its layers stay as long as something stands on them.
        assert python(found["reference"], "import fiapple; print(fiapple.version)") == "1.0"
        engine.api.remove_image(found["reference"], noprune=True)
        again = deriver.made("--pip-package", "fiapple", "--pip-package", "fipear", "--registry", server.host)
        assert again["digest"] == found["digest"]
        assert python(again["reference"], "import fiapple; print(fiapple.version)") == "1.0"
        engine.api.pull(there, tag="1.0-cpu")
        engine.api.tag(base.id, deriver.project.repository, "1.0-cpu")
        engine.api.remove_image(f"{there}:1.0-cpu", noprune=True)


def test_pip_removes_what_derive_added_and_leaves_no_file(deriver: Deriver) -> None:
    """With its scripts, data, headers and byte code, as root."""
    files = {
        "toy/inner/deep.py": "x = 1\n",
        "toy-1.0.dist-info/entry_points.txt": "[console_scripts]\ntoy = toy:main\n",
        "toy-1.0.data/scripts/toy-tool": "#!python\nprint('tool')\n",
        "toy-1.0.data/data/share/toy/toy.txt": "data",
        "toy-1.0.data/data/lib64/toy.txt": "through a link",
        "toy-1.0.data/headers/toy.h": "int toy;\n",
    }
    write_toy({"files": files}, deriver.wheels / "toy-1.0-py3-none-any.whl")
    image = str(deriver.made("--pip-package=toy")["reference"])
    listing = "find /opt/env ! -type d | sort"
    before, there = shell(f"{deriver.project.repository}:1.0-cpu", listing), shell(image, listing)
    added = set(there.splitlines()) - set(before.splitlines())
    assert "/opt/env/lib/toy.txt" in added
    assert any(path.endswith("inner/__pycache__/deep.cpython-311.pyc") for path in added)
    assert shell(image, f"pip uninstall --quiet --yes toy; {listing}") == before


def shell(image: str, command: str) -> str:
    argv = ["docker", "run", "--rm", "--user=root", "--network=none", image, "sh", "-c", f"{command} 2>/dev/null"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
