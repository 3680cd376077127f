"""The ways in which a file can be damaged."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

KEYS = [
    "after",
    "asked",
    "before",
    "builds",
    "bytes",
    "config",
    "conda",
    "digest",
    "directory",
    "distributions",
    "found",
    "made",
    "manifest",
    "manifests",
    "passed",
    "rebases",
    "sha256",
    "verifications",
]
"""Whatever the files below the cache hold."""
SHAPES = {
    value: f'{{"schema": 1, {", ".join(f"{json.dumps(key)}: {value}" for key in KEYS)}}}'
    for value in ("3", '"\\u0000"', "[]", "[3]", "1e999")
}
WAYS = ("empty", "random", "nested", "directory", "dangling", "huge", *SHAPES)
Damage = Callable[[Path], Path]


def damage_file(file: Path, way: str, huge: Path) -> Path:
    """Damage a file, or put a damaged one where there is none; returns its path. `huge` is a large file to link to."""
    ways: dict[str, Callable[[Path], object]] = {
        "directory": Path.mkdir,
        "dangling": lambda file: file.symlink_to("/nonexistent/file"),
        "huge": lambda file: file.hardlink_to(huge),
        "empty": Path.touch,
        "random": lambda file: file.write_bytes(os.urandom(999)),
        "nested": lambda file: file.write_bytes(b"[" * 99_999),
    }
    ways |= {name: partial(Path.write_text, data=text) for name, text in SHAPES.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    ways[way](file)
    return file
