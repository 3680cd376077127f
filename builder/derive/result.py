"""What a request becomes, and where it is answered."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Say = Callable[[str], None]
Outcome = Literal["built", "verified", "unchanged", "nothing to add", "would be built"]


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
