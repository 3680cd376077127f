"""Small repositories and images for benchmarks, made like those of the integration tests, and gone afterwards."""

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import yaml
from docker.errors import APIError

from builder.build import site_inputs
from builder.host.cache import cache_directory
from builder.host.site_discovery import load_site
from builder.matrix.names import LABEL_ROW
from tests.bench.measured import BenchError, run
from tests.support.command_line import ROOT, CommandResult
from tests.support.project import STACK, Project, make_project

PREFIX = "framework-images-bench"
SKLEARN = "scikit-learn/1.9.1-cpu-debian12"
CPU = "pytorch/2.13.0-cpu-debian12"
GPU = "pytorch/1.4.0-gpu-debian12"
OLD_CPU = "pytorch/1.4.0-cpu-debian12"
CELLS = (SKLEARN, CPU)
"""What builds without a registry in two minutes."""
Pins = Mapping[str, Mapping[str, str]]


def site_file(directory: Path) -> Path:
    """The site of this machine where it has one, else what a fresh machine has."""
    named = os.environ.get("BUILDER_SITE") or (ROOT / "site.yaml" if (ROOT / "site.yaml").exists() else "")
    if named:
        return Path(named)
    (directory / "site.yaml").write_text("default-platform: debian12\nbase: bootstrap\n", "utf-8")
    return directory / "site.yaml"


@contextmanager
def toy(
    versions: Sequence[str] = ("1.0.0",), *, pins: Pins | None = None, core: str = "six", tools: Sequence[str] = ()
) -> Iterator[Project]:
    """A locked and rendered repository with a row for each version; its images are removed with it.

    `core` is the package that has a layer of its own, `tools` are further packages of the OS for the stages that build.
    """
    token = secrets.token_hex(3)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-") as name:
        directory = Path(name)
        site = site_file(directory)
        project = make_project(
            directory / "project",
            site=site,
            framework=f"bench-{token}",
            repository=f"{PREFIX}-{token}",
            versions=versions,
        )
        change(project, pins or {}, core, tools)
        good(project.run("lock", f"--site={site}"))
        project.template("")
        try:
            yield project
        finally:
            remove(project)


def change(project: Project, pins: Pins, core: str = "six", tools: Sequence[str] = ()) -> None:
    """Give the rows of these versions these pins besides what they have."""
    matrix = project.root / "matrix.yaml"
    content = yaml.safe_load(matrix.read_text("utf-8"))
    content["frameworks"][project.framework]["core"] = [core]
    content["stacks"][STACK]["packages"]["build"] = sorted({*content["stacks"][STACK]["packages"]["build"], *tools})
    for release in content["releases"]:
        mine = pins.get(release["version"], {})
        release["pins"] |= mine
        content["probes"] |= dict.fromkeys(mine, "python-distribution")
    matrix.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")


def good(done: CommandResult) -> CommandResult:
    """The run, when it ended well; raises BenchError."""
    if done.code:
        raise BenchError(f"exit {done.code}: {done.err[-1500:]}")
    return done


def built(project: Project, *flags: str, env: Mapping[str, str] | None = None) -> CommandResult:
    """`build` of every row, or of what the flags say."""
    return good(project.build(*(flags or ("--all",)), env=env))


def remove(project: Project) -> None:
    """Remove the project's images, by name and by id, and nothing else."""
    untag(project.repository)
    client = docker.from_env()
    for image in client.images.list(filters={"label": LABEL_ROW, "dangling": True}):
        with suppress(APIError, ValueError):
            if json.loads(image.labels[LABEL_ROW])["framework"] == project.framework:
                client.api.remove_image(str(image.id), noprune=True)
    client.close()


@contextmanager
def bake_file(site: Path, document: Mapping[str, Any], root: Path = ROOT) -> Iterator[Path]:
    """A file for bake with the site's secrets in it, and contexts below `root`, for as long as the block lasts."""
    with ExitStack() as stack:
        files = stack.enter_context(site_inputs.secrets(load_site(site)))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}-")))
        found = json.loads(json.dumps(document))
        for target in found["target"].values():
            target["context"] = str(root / target["context"])
            target["secret"] = [f"id={name},src={path}" for name, path in files.items()]
        (directory / "bake.json").write_text(json.dumps(found), "utf-8")
        yield directory / "bake.json"


def baked(project: Project, *flags: str) -> dict[str, Any]:
    """The project's rows as `render --bake` prints them."""
    return dict(json.loads(good(project.run("render", "--bake", *(flags or ("--all",)), f"--site={project.site}")).out))


def bake(file: Path, *more: str) -> str:
    """Run bake as a person does, without the provenance that this project's own builds leave out, too."""
    return run(["docker", "buildx", "bake", "--progress=plain", "-f", file, *more])


@contextmanager
def own_cache() -> Iterator[dict[str, str]]:
    """The environment for a cache with what is costly in this host's, but nothing that is remembered of images."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-") as name:
        directory = Path(name, "framework-images")
        directory.mkdir()
        for one in ("bases", "toolchains", "trees", "wheels"):
            if (cache_directory() / one).exists():
                (directory / one).symlink_to(cache_directory() / one)
        yield {"XDG_CACHE_HOME": name}


def insert(project: Project, template: str, after: str, text: str) -> None:
    """Put text after a line of one of the project's own templates, and render."""
    file = project.root / "templates" / template
    content = file.read_text("utf-8")
    if after not in content:
        raise BenchError(f"{template} has no {after!r}")
    file.write_text(content.replace(after, f"{after}{text}", 1), "utf-8")
    project.render()


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """Cells of the real matrix, and a directory for what is said about them."""

    cells: tuple[str, ...]
    site: Path
    directory: Path

    def run(self, verb: str, *flags: str | Path) -> str:
        """What a verb prints about these cells; raises BenchError."""
        only = (f"--only={cell}" for cell in self.cells)
        return run([sys.executable, "-m", "builder", verb, *only, f"--site={self.site}", *flags])

    def build(self, *flags: str) -> list[dict[str, Any]]:
        """The images, as `build` tells of them."""
        found = self.run("build", *self.named, f"--log-dir={self.directory / 'logs'}", "--format=json", *flags)
        return list(json.loads(found)["images"])

    @property
    def named(self) -> tuple[str, ...]:
        return (f"--repository={PREFIX}-{{framework}}",)


@contextmanager
def real(*cells: str) -> Iterator[Real]:
    """Images of the real matrix, built and verified unless they are there; the names given here go afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-") as name:
        directory = Path(name)
        images = Real(cells=cells, site=site_file(directory), directory=directory)
        try:
            images.build()
            yield images
        finally:
            untag(*{f"{PREFIX}-{cell.partition('/')[0]}" for cell in cells})


def untag(*repositories: str) -> None:
    """Remove every tag of these repositories, and images that have no other."""
    client = docker.from_env()
    for repository in repositories:
        for tag in [tag for image in client.images.list(repository) for tag in image.tags]:
            if tag.startswith(f"{repository}:"):
                client.api.remove_image(tag, noprune=True)
    client.close()
