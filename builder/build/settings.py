"""What building reads of the command line: no more than this reaches below the verbs."""

from dataclasses import dataclass
from pathlib import Path

from builder.build.cache_flags import Cache
from builder.host.limits import VERIFY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices of one run; the defaults are those of `build`."""

    matrix: Path = Path("matrix.yaml")
    site: Path | None = None
    repository: str | None = None
    wheelhouse: Path | None = None
    builder: str | None = None
    cache_to: tuple[Cache, ...] = ()
    cache_from: tuple[Cache, ...] = ()
    no_cache: bool = False
    keep_going: bool = False
    allow_platform_change: bool = False
    log_dir: Path = Path("logs")
    verify_seconds: float = VERIFY_SECONDS
    verbose: bool = False
    debug: bool = False
