"""The types of an estimator's arguments: a registry, an environment, an input."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.host.files import expanded


class Problems(list[str]):
    """What is wrong with arguments, each under the name that whoever gave them knows: Python's, or that of a flag."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.names = names or {}

    def called(self, name: str, otherwise: str | None = None) -> str:
        """What the argument is called; where nothing else is known, its own name or `otherwise`."""
        return self.names.get(name, name if otherwise is None else otherwise)

    def add(self, name: str, what: str) -> None:
        """Add what is wrong with that argument."""
        self.append(f"{self.called(name)}: {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRegistry:
    """The registry of a custom image, and the login for it. The password is never printed or recorded."""

    address: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An image of the caller's own, with everything in it. Nothing of a framework is added."""

    image: str
    name: str | None = None
    image_registry_details: ContainerRegistry | None = None
    pip_packages: Sequence[str] = ()
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    shm_size: str | None = None
    use_gpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file or directory that a run reads. As a script parameter it becomes its path in the container."""

    name: str
    path: str | os.PathLike[str]

    @property
    def source(self) -> str:
        """The path as a record keeps it: absolute and without links, so that it means the same from everywhere."""
        return source_of(self.path)


@dataclass(frozen=True, slots=True)
class Module:
    """A module as what a run begins with, e.g. `Module("package.train")`: Python executes it as with `-m`."""

    name: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A program of the image that a person talks to, in place of a script."""

    program: str


def inside(path: Path, source: Path) -> bool:
    """Whether a relative path stays in the directory, after all links are followed."""
    return not path.is_absolute() and (source / path).resolve().is_relative_to(source)


def is_there(path: Path) -> bool:
    """Whether the caller can read the path. The engine, as root, can read more and must not do so for the caller."""
    return os.access(path, os.R_OK)


def is_elsewhere(path: str | os.PathLike[str]) -> bool:
    """Whether a path is on a cluster or in a workspace, e.g. `pvc://CLAIM/PATH` or `azureml://...`."""
    return isinstance(path, str) and "://" in path


def source_of(path: str | os.PathLike[str]) -> str:
    """A path of this host, absolute and without links. A path elsewhere stays as it is."""
    return os.fspath(path) if is_elsewhere(path) else str(expanded(path).resolve())
