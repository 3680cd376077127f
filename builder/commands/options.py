"""The command line as typed values, which `parser` makes and verbs read."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from builder.host.limits import REGISTRY_SECONDS, VERIFY_SECONDS
from builder.matrix.spec import Device
from builder.wheels import Compression

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
Format = Literal["table", "json", "yaml", "github"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Flags that several verbs share; a verb's own flags subclass this."""

    verb: str = ""
    framework: str | None = None
    versions: tuple[str, ...] = ()
    device: Device | None = None
    platform: str | None = None
    all: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    must_select: bool = False
    """Whether the verb refuses an empty selection. No flag sets it: a verb that acts does."""
    every_platform: bool = False
    """Whether the verb takes every platform, whatever `platform` says. No flag sets it."""
    matrix: Path = Path("matrix.yaml")
    site: Path | None = None
    format: Format = "table"
    verbose: bool = False
    debug: bool = False
    dry_run: bool = False
    keep_going: bool = False
    allow_platform_change: bool = False
    repository: str | None = None
    compression: Compression = "zstd"
    log_dir: Path = Path("logs")
    check: bool = False
    images: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    verify_seconds: float = VERIFY_SECONDS
    registry_seconds: float = REGISTRY_SECONDS


def taken(kind: type[T], options: Options, **values: object) -> T:
    """A value of another class, with the options that have the names of its fields, and these values."""
    names = {one.name for one in fields(kind)} & {one.name for one in fields(options)}
    return kind(**{name: getattr(options, name) for name in names} | values)
