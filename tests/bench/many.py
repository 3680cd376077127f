"""Twenty-four small images from nothing: `build` beside `docker build` one after another, and beside bake.

Each way gets an environment of its own to install into, so that none uses another's steps; what apt installs is cached
for all three. Each image installs another release of a package. The peers check nothing: ours is shown with its checks
and, by a driver that leaves them out, without.
"""

import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.bench.measured import Measured, Side, run, seconds
from tests.bench.toys import bake, bake_file, baked, built, insert, toy
from tests.support.project import Project

RELEASES = (
    *("4.50.0", "4.51.0", "4.52.0", "4.53.0", "4.54.0", "4.54.1", "4.55.0", "4.55.1", "4.56.0", "4.57.0", "4.58.0"),
    *("4.59.0", "4.60.0", "4.61.0", "4.61.1", "4.61.2", "4.62.0", "4.62.1", "4.62.2", "4.62.3", "4.63.0", "4.64.0"),
    *("4.64.1", "4.65.0"),
)
"""Of tqdm: small wheels without requirements."""
WORK = "24 small images from nothing"
INSTALLER = "# The environment, with pip.\nFROM toolchain AS installer\n"


def many(releases: tuple[str, ...] = RELEASES) -> Iterator[Measured]:
    """Our two ways beside the two peers'."""
    pins = {f"{number}.0.0": {"tqdm": release} for number, release in enumerate(releases, 1)}
    with toy(tuple(pins), pins=pins) as project:
        built(project, "--version=1.0.0")
        warmed(project)
        checked = fresh(project, lambda: built(project))
        made = fresh(project, lambda: unchecked(project))
        serial = fresh(project, lambda: one_by_one(project))
        together = fresh(project, lambda: at_once(project))
    docker, bake = (
        Side(command="docker build, 24 times", value=serial),
        Side(command="docker buildx bake", value=together),
    )
    without = Side(command="python -m tests.bench.unchecked build --all", value=made)
    ours = Side(command="python -m builder build --all", value=checked)
    yield Measured(work=f"{WORK}, none checked, one after another", ours=without, peer=docker, aim=0.5)
    yield Measured(work=f"{WORK}, none checked, in one bake", ours=without, peer=bake, aim=1.1)
    yield Measured(work=f"{WORK}, ours checked, one after another", ours=ours, peer=docker)
    yield Measured(work=f"{WORK}, ours checked, in one bake", ours=ours, peer=bake)


def warmed(project: Project) -> None:
    """Let the peers make one image, as we did: each packs the layers below the environment in its own way."""
    with bake_file(project.site, baked(project, "--version=1.0.0"), project.root) as file:
        bake(file)
        for target in json.loads(file.read_text("utf-8"))["target"].values():
            run(docker_build(target))


def fresh(project: Project, work: Callable[[], object]) -> float:
    """The seconds of a way to build that finds no environment."""
    insert(project, "platforms/debian12.j2", INSTALLER, f"ENV BENCH={secrets.token_hex(8)}\n")
    return seconds(work)


def unchecked(project: Project) -> None:
    """`build` without its checks; it remembers nothing as verified."""
    run([sys.executable, "-m", "tests.bench.unchecked", *project.flags("--all")], cwd=project.root)


def one_by_one(project: Project) -> None:
    with bake_file(project.site, baked(project), project.root) as file:
        for target in json.loads(file.read_text("utf-8"))["target"].values():
            run(docker_build(target))


def at_once(project: Project) -> None:
    with bake_file(project.site, baked(project), project.root) as file:
        bake(file)


def docker_build(target: Mapping[str, Any]) -> list[str]:
    """The command of a target of bake alone, without our compression: as docker does it by itself."""
    argv = ["docker", "buildx", "build", "--provenance=false"]
    argv += [f"--secret={one}" for one in target.get("secret", ())]
    argv += [f"--build-context={name}={source}" for name, source in target.get("contexts", {}).items()]
    argv += [f"--build-arg={name}={value}" for name, value in target.get("args", {}).items()]
    argv += [f"--label={name}={value}" for name, value in target.get("labels", {}).items()]
    return [*argv, target["context"]]
