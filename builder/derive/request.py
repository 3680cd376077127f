"""What a person asks for on top of a framework image, as typed values; nothing here reads a file."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from builder.host.site import Site
from builder.matrix.promise import Promise

Say = Callable[[str], None]
Outcome = Literal["built", "verified", "unchanged", "nothing to add", "would be built"]
Sited = Callable[[], Site]
"""Gives the site when it is needed: asking pip for its settings takes a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An environment of one's own: the image it stands on, and what is added to it.

    `base` is a tag's head such as `1.6-gpu`, a cell, or any image of the engine. No file may name another one
    outside `source_directory`, which is its own directory where none is given.
    """

    base: str
    pip_packages: tuple[str, ...] = ()
    conda_packages: tuple[str, ...] = ()
    pip_requirements_file: Path | None = None
    conda_dependencies_file: Path | None = None
    source_directory: Path | None = None
    channels: tuple[str, ...] = ()
    """Channels by URL or directory that files may name, too."""
    overrides: tuple[str, ...] = ()
    """Distributions of the image that may be replaced."""
    lock: Path | None = None
    name: str | None = None
    """The repository of the tag; `derived` when none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One requirement as PEP 508 text, where it stands, and the sha256 of each file that may answer it."""

    text: str
    place: str
    sha256: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """A request that was read and found to be in order."""

    requirements: tuple[Asked, ...] = ()
    constraints: tuple[Asked, ...] = ()
    conda: tuple[Asked, ...] = ()
    channels: tuple[str, ...] = ()
    overrides: frozenset[str] = frozenset()
    prereleases: bool = False

    @property
    def hashed(self) -> bool:
        """Whether the request lists the files it admits: then no other file is installed, as pip has it."""
        return any(one.sha256 for one in self.requirements)


@dataclass(slots=True, kw_only=True)
class Reading:
    """What has been read so far, and every problem met."""

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
    """One distribution of an image: its version and what it requires."""

    version: str
    requires: tuple[str, ...] = ()
    python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContents:
    """What the image holds, read inside it once: what a request may not contradict."""

    digest: str
    promise: Promise
    python: str
    glibc: str
    distributions: Mapping[str, Held]
    site_packages: str
    conda: tuple[str, ...] | None = None
    """The records in the environment's `conda-meta` as JSON; None when the environment is not conda's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """One distribution of the layer: the file it comes from, by sha256, and its URL where the request names it."""

    name: str
    version: str
    file: str
    sha256: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A derived image: its tag and digest, what it stands on, what was added, and the seconds that each part took."""

    reference: str
    digest: str
    base: str
    outcome: Outcome
    added: Mapping[str, str]
    lock: Path | None
    published: str = ""
    """The reference in the registry, where it was asked for."""
    seconds: Mapping[str, float]
    size: int = 0
    """The bytes of the layer, compressed; 0 when none was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a request is answered: the matrix, the site, where logs go, and who is told."""

    matrix: Path = Path("matrix.yaml")
    site: Path | None = None
    log_dir: Path | None = None
    repository: str | None = None
    registry: str | None = None
    """Where the image is published, as HOST[/PREFIX]; a base that the engine lacks is taken from there."""
    insecure_registries: tuple[str, ...] = ()
    """Besides those that the site names."""
    say: Say = lambda line: print(line, file=sys.stderr)
