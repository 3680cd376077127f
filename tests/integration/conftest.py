"""Fixtures that need the engine: images built once for the session, and what they leave removed by name."""

import json
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import docker
import pytest
import yaml
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from builder.matrix.names import LABEL_ROW
from tests.support import registries
from tests.support.command_line import ROOT, CommandResult, builder
from tests.support.project import FRAMEWORK, REPOSITORY, NewProject, Project, locked_project, make_project
from tests.support.pyenv import PYTHON, pyenv_python

HERE = Path(__file__).parent
HEAVY = "RUN head -c 4000000 /dev/urandom > /usr/share/heavy"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the engine."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session", autouse=True)
def engine() -> Iterator[docker.DockerClient]:
    """The engine, left without the tags and images of this session."""
    try:
        client = docker.from_env()
        client.ping()
    except (DockerException, RequestException) as error:
        pytest.fail(f"no Docker Engine answers ({error}): run .ci/install-engine, or python -m builder doctor")
    yield client
    builder("clean", cwd=ROOT, scratch=Path(tempfile.gettempdir()))  # the containers of the builders that tests killed
    # The API's own list: the SDK's asks for each image again, and others may have removed one meanwhile.
    for image in client.api.images():
        for name in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())):  # what was pulled has no tag
            if REPOSITORY in name:
                with suppress(NotFound):
                    client.api.remove_image(name, noprune=True)
    for image in client.api.images(filters={"label": LABEL_ROW, "dangling": True}):
        with suppress(APIError, ValueError):
            if json.loads(image["Labels"][LABEL_ROW])["framework"].startswith(FRAMEWORK):
                client.api.remove_image(image["Id"], noprune=True)
    client.close()


@pytest.fixture(scope="session")
def site_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a fresh machine has: the platform that works everywhere, a base made here, the host's own pip settings."""
    site: dict[str, object] = {"default-platform": "debian12", "base": "bootstrap"}
    if prefix := pyenv_python():
        site["components"] = {f"python-{PYTHON}": str(prefix)}
    file = tmp_path_factory.mktemp("site") / "site.yaml"
    file.write_text(yaml.safe_dump(site), "utf-8")
    return file


@pytest.fixture(scope="session")
def built(site_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., CommandResult]:
    """Builds cells of the real matrix, as a person does; a failure shows everything that was said."""
    scratch = tmp_path_factory.mktemp("built")

    def run(*selection: str) -> CommandResult:
        flags = (f"--site={site_file}", f"--repository={REPOSITORY}-{{framework}}", f"--log-dir={scratch}/logs")
        done = builder("build", *selection, *flags, "--format=json", cwd=ROOT, scratch=scratch / "tmp")
        if done.code:
            pytest.fail(f"build {' '.join(selection)}: exit {done.code}\n{done.err}", pytrace=False)
        return done

    return run


@pytest.fixture(scope="session")
def built_image(built: Callable[..., CommandResult]) -> str:
    """The digest of the scikit-learn image."""
    return str(built("--framework=scikit-learn").images[0]["digest"])


@pytest.fixture(scope="session")
def pytorch_image(built: Callable[..., CommandResult]) -> CommandResult:
    """PyTorch 1.4 for GPU on debian12, built and verified: minutes when nothing is cached, as Horovod is compiled."""
    return built("--version=1.4", "--gpu", "--platform=debian12")


@pytest.fixture(scope="session")
def locked(site_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The builder.lock of the projects, which the real index answered."""
    directory = tmp_path_factory.mktemp("locked")
    project = make_project(
        directory, site=site_file, framework=FRAMEWORK, repository="none", versions=("1.0.0", "2.0.0")
    )
    done = project.run("lock", f"--site={site_file}")
    assert done.code == 0, done.err
    return directory / "builder.lock"


@pytest.fixture
def new_project(tmp_path: Path, site_file: Path, locked: Path) -> NewProject:
    """Makes a project with further instructions in its template, locked and rendered; no other project has images of its cells."""
    return partial(locked_project, tmp_path / "project", site_file, locked)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registries.Server]:
    with registries.registry(tmp_path_factory.mktemp("registry") / "open") as found:
        yield found


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, site_file: Path, locked: Path) -> Project:
    """A project of two releases; the image of the first is built and verified."""
    directory = tmp_path_factory.mktemp("push") / "project"
    made = locked_project(directory, site_file, locked, HEAVY, versions=("1.0.0", "2.0.0"))
    done = made.build()
    assert done.code == 0, done.err
    return made


@pytest.fixture
def prefix() -> str:
    """A part of the registry that only one test uses."""
    return f"test-{secrets.token_hex(4)}"
