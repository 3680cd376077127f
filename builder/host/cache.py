"""Small JSON files in the cache, written atomically. A damaged file is reported once and treated as missing."""

import atexit
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from builder.errors import InputError, harmless
from builder.host.files import replace_text
from builder.host.foreign_json import foreign_json
from builder.host.temporary import PREFIX, name_space
from builder.matrix.regular_file import read_bytes

SCHEMA = 1
OTHER_CACHE = "mend it, or name another directory for caches: XDG_CACHE_HOME=DIR"
MAX_BYTES = 50_000_000
Found = TypeVar("Found")
Say = Callable[[str], None]
SHAPE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
"""The errors of reading values out of JSON of another shape."""


def cache_directory() -> Path:
    """The cache, below $XDG_CACHE_HOME or ~/.cache; it may be deleted at any time. Raises InputError."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "framework-images"
    try:
        return Path.home() / ".cache/framework-images"
    except RuntimeError:
        raise InputError("this user has no home directory", hint="name one for caches: XDG_CACHE_HOME=DIR") from None


@cache
def room(place: Path) -> Path:
    """A directory of the cache; a temporary one for this run, which is said, where it cannot be written to."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        say(f"{place}: {error.strerror}: what belongs there is kept for this run only")
        found = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-{name_space()}-"))
        atexit.register(shutil.rmtree, found, ignore_errors=True)
        return found
    return place


def say(line: str) -> None:
    print(harmless(line), file=sys.stderr)


@cache
def ignore(file: Path, why: str) -> None:
    """Say that a file is ignored, once in a run."""
    say(f"{file}: ignored: {why}")


def known(file: Path, read: Callable[[Mapping[str, Any]], Found]) -> Found | None:
    """What `read` makes of the file's content; None when the file is absent or damaged. Damage is said."""
    try:
        content = recall(file)
        return None if content is None else read(content)
    except SHAPE as error:
        ignore(file, f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else str(error))
        return None


def keep(file: Path, content: Mapping[str, Any], otherwise: str, tell: Say = say) -> None:
    """Write the content; when that fails, say `otherwise`, the consequence."""
    try:
        remember(file, content)
    except OSError as error:
        tell(f"{file}: {error.strerror}: {otherwise}")


def recall(file: Path) -> dict[str, Any] | None:
    """The content of the file, or None when it is absent; raises ValueError when it is damaged or of another schema."""
    try:
        content = foreign_json(text(file))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not file.is_symlink():
            return None
        raise ValueError(str(error.strerror)) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"it is not of schema {SCHEMA}")
    return content


def text(file: Path) -> str:
    """The file's text; raises OSError, also when it is too large, and ValueError when it is no UTF-8."""
    return read_bytes(file, MAX_BYTES).decode("utf-8")


def remember(file: Path, content: Mapping[str, Any]) -> None:
    """Write the file at once: others read the old content or the new. Raises OSError."""
    replace_text(file, json.dumps({"schema": SCHEMA, **content}, sort_keys=True, indent=1) + "\n")


def checksum(content: object, key: str) -> str:
    """A hash over what a record says, and for what: it tells what was edited from what was written."""
    return hashlib.sha256(json.dumps([key, content], sort_keys=True).encode()).hexdigest()


def texts(value: Mapping[str, Any]) -> dict[str, str]:
    """A JSON object's values as texts, by name; raises AttributeError when it is no object."""
    return {str(name): str(text) for name, text in value.items()}
