"""The command line as typed values: what a verb may read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.build.cache_flags import Cache
from builder.matrix.spec import Device

Format = Literal["table", "json", "yaml", "github"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Every flag of every verb, with its default."""

    verb: str = ""
    framework: str | None = None
    versions: tuple[str, ...] = ()
    device: Device | None = None
    platform: str | None = None
    all: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    must_select: bool = False
    """Set by a verb that acts: without a selection it refuses."""
    every_platform: bool = False
    """Set by a verb that takes every platform always, whatever `platform` says."""
    matrix: Path = Path("matrix.yaml")
    site: Path | None = None
    format: Format = "table"
    verbose: bool = False
    debug: bool = False
    dry_run: bool = False
    print: bool = False
    jobs: int | None = None
    """None: what processors and memory allow."""
    keep_going: bool = False
    builder: str | None = None
    cache_to: tuple[Cache, ...] = ()
    cache_from: tuple[Cache, ...] = ()
    no_cache: bool = False
    refresh_toolchain: bool = False
    wheelhouse: Path | None = None
    repository: str | None = None
    log_dir: Path = Path("logs")
    check: bool = False
    as_documented: bool = False
    upgrade: tuple[str, ...] = ()
    exclude_newer: str | None = None
    images: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    write_site: Path | None = None
