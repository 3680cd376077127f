"""What an estimator is given besides plain values: registries, environments and inputs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from builder.host.files import expanded

Problems = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRegistry:
    """Where a custom image is pulled from, and as whom; the password is never printed or recorded."""

    address: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An image of one's own with everything in it: nothing of a framework is added."""

    image: str
    name: str | None = None
    image_registry_details: ContainerRegistry | None = None
    pip_packages: Sequence[str] = ()
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    shm_size: str | None = None
    use_gpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file or directory of this host that a run reads; as a script parameter it becomes its path in the container."""

    name: str
    path: str | os.PathLike[str]

    @property
    def source(self) -> str:
        """The path without links, so that a record means the same from everywhere; what is elsewhere, as it is."""
        return source_of(self.path)


def is_elsewhere(path: str | os.PathLike[str]) -> bool:
    """Whether a path is of a cluster or a workspace: `pvc://CLAIM/PATH`, `azureml://...`."""
    return isinstance(path, str) and "://" in path


def source_of(path: str | os.PathLike[str]) -> str:
    """A path of this host without links, or of somewhere else as it is."""
    return os.fspath(path) if is_elsewhere(path) else str(expanded(path).resolve())
