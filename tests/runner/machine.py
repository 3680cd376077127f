"""A machine that jobs run on: what a hosted runner has and has not, as far as this one can be it.

Its programs are those of this machine without cosign and gh; those it gets from an action, or as stand-ins. Names of the
registry in commands are replaced: no machine may answer as `ghcr.io`. Where a base is made from a mirror, as here, the
cache is one for all jobs. A hosted runner has none, and pulls its base.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
REGISTRY = "ghcr.io"
HIDDEN = frozenset({"cosign", "gh", "docker-registry"})
FOREIGN = ("ACTIONS_", "BUILDER_", "COSIGN_", "DOCKER_", "GITHUB_", "RUNNER_", "PYTHONPATH", "VIRTUAL_ENV")
MARKERS = ("run", "dev", "readers", "bench")
"""Files with which make knows that an environment is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where jobs run, and what is around them."""

    directory: Path
    origin: Path
    registry: str
    token: str
    """What logs in to the registry, where a job may read packages."""
    owner: str = "Some-Owner"
    ref: str = "refs/heads/main"
    stand_ins: tuple[str, ...] = ("gh",)
    programs: Path = PROGRAMS
    """Where those are."""
    has_pages: bool = True
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        return self.directory / "artifacts"

    @property
    def pages(self) -> Path:
        """What the last night published."""
        return self.directory / "pages"

    def github(self, permissions: Mapping[str, str]) -> dict[str, str]:
        """The context `github`; the token opens what the job may."""
        return {
            "server_url": "https://github.example",
            "repository": f"{self.owner}/images",
            "repository_owner": self.owner,
            "ref": self.ref,
            "event_name": "schedule",
            "actor": "somebody",
            "token": self.token if "packages" in permissions else "opens-nothing",
        }

    def variables(self, permissions: Mapping[str, str]) -> dict[str, str]:
        """The environment of a job before its own: nothing that tells of this machine's own logins."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        github = {
            f"GITHUB_{name.upper()}": value for name, value in self.github(permissions).items() if name != "token"
        }
        found = {**ours, "CI": "true", "GITHUB_ACTIONS": "true", **github, **self.env}
        if permissions.get("id-token") == "write":
            found["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://token.example"
        return found

    def path(self, own: Path) -> str:
        """Where a job finds programs: its own, then those of this machine that a runner has, too."""
        own.mkdir(parents=True)
        for name in self.stand_ins:
            (own / name).symlink_to(self.programs / name)
        return f"{own}:{programs(self.directory / 'programs')}"


@cache
def programs(directory: Path) -> Path:
    """A directory with a link to each program on the path, but for the hidden ones."""
    directory.mkdir(parents=True)
    for place in os.environ["PATH"].split(":"):
        for one in Path(place).iterdir() if Path(place).is_dir() else ():
            if one.name not in HIDDEN and not (directory / one.name).is_symlink():
                (directory / one.name).symlink_to(one)
    return directory


def check_out(machine: Machine, workspace: Path) -> None:
    """A clone of the branch with this environment of Python in it, which make takes for complete."""
    subprocess.run(["git", "clone", "--quiet", "--branch=main", machine.origin, workspace], check=True)
    link_environment(workspace / ".venv")


def link_environment(directory: Path) -> None:
    """An environment of links, so that nothing installs into the one of whoever runs this."""
    directory.mkdir()
    for one in Path(sys.prefix).iterdir():
        if one.name not in MARKERS:
            (directory / one.name).symlink_to(one)
    for name in MARKERS:
        (directory / name).touch()


def copied(names: str, source: Path, target: Path) -> list[Path]:
    """Copy the files and the contents of the directories, a name on each line; returns those that are not there."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = [source / name for name in names.split()]
    for one in wanted:
        if one.is_dir():
            shutil.copytree(one, target, dirs_exist_ok=True)
        elif one.exists():
            shutil.copy2(one, target)
    return [one for one in wanted if not one.exists()]
