"""The values of `derive`: the request, its parts as they are parsed, what an image holds, and the derived image."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from builder.host.cache import Say
from builder.host.limits import REGISTRY_SECONDS, VERIFY_SECONDS
from builder.host.site import Site
from builder.matrix.promise import Promise

Outcome = Literal["built", "verified", "unchanged", "nothing to add", "would be built"]
Sited = Callable[[], Site]
"""Gives the site: a call, as loading it runs pip to read pip's settings, and not every request needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The packages to add, and the image to add them to.

    `base` is a tag such as `1.6-gpu`, a cell such as `pytorch/1.6.0-gpu-debian12`, or any image of the engine. A
    requirements file may include only files below `source_directory`; by default that is its own directory.
    """

    base: str
    pip_packages: tuple[str, ...] = ()
    conda_packages: tuple[str, ...] = ()
    pip_requirements_file: Path | None = None
    conda_dependencies_file: Path | None = None
    source_directory: Path | None = None
    channels: tuple[str, ...] = ()
    """Names or URLs of conda channels; a conda file may name a channel by URL only when it is here, too."""
    overrides: tuple[str, ...] = ()
    """Distributions of the image that may be replaced."""
    lock: Path | None = None
    """Where the lock is; by default beside the file of the request."""
    name: str | None = None
    """The repository of the tag; `derived` by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One requirement as PEP 508 text, where it was found, e.g. `requirements.txt:2`, and the hashes it admits."""

    text: str
    place: str
    sha256: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """A request after parsing, without problems."""

    requirements: tuple[Asked, ...] = ()
    constraints: tuple[Asked, ...] = ()
    conda: tuple[Asked, ...] = ()
    channels: tuple[str, ...] = ()
    overrides: frozenset[str] = frozenset()
    prereleases: bool = False

    @property
    def hashed(self) -> bool:
        """Whether the request lists hashes; then, as with pip, no file with another hash is installed."""
        return any(one.sha256 for one in self.requirements)


@dataclass(slots=True, kw_only=True)
class Reading:
    """What was parsed so far, the problems among it, and the files already visited."""

    problems: list[str] = field(default_factory=list)
    requirements: list[Asked] = field(default_factory=list)
    constraints: list[Asked] = field(default_factory=list)
    conda: list[Asked] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    prereleases: bool = False
    require_hashes: bool = False
    visited: set[Path] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One distribution of an image: its version, its requirements, and its limit on Python's version."""

    version: str
    requires: tuple[str, ...] = ()
    python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an image holds: its promise, and the distributions and conda packages that a request must not change."""

    digest: str
    promise: Promise
    python: str
    glibc: str
    distributions: Mapping[str, Held]
    site_packages: str
    conda: tuple[str, ...] | None = None
    """The records in the environment's `conda-meta`, as JSON; None when conda did not make the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A derived image: its tag and digest, the digest of its base, the versions added, and the seconds of each step."""

    reference: str
    digest: str
    base: str
    outcome: Outcome
    added: Mapping[str, str]
    lock: Path | None
    published: str = ""
    """The reference in the registry; empty when no registry was asked for."""
    seconds: Mapping[str, float]
    size: int = 0
    """The bytes of the compressed layer; 0 when none was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a request is resolved with: matrix, site, registry, the directory of logs, and who is told of progress."""

    matrix: Path = Path("matrix.yaml")
    site: Path | None = None
    log_dir: Path | None = None
    verify_seconds: float = VERIFY_SECONDS
    registry_seconds: float = REGISTRY_SECONDS
    repository: str | None = None
    registry: str | None = None
    """Where the image is published, as HOST[/PREFIX]; a base that the engine lacks is looked up there."""
    insecure_registries: tuple[str, ...] = ()
    """Registries without TLS, in addition to those of the site."""
    say: Say = lambda line: print(line, file=sys.stderr)
