"""What the fast tests share: the ways in which a file can be damaged."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

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
Damage = Callable[[Path], Path]


@pytest.fixture(scope="session")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 MB that no reader should take in."""
    file = tmp_path_factory.mktemp("huge") / "file"
    with file.open("wb") as stream:
        for _ in range(100):
            stream.write(b"{" * 1_000_000)
    return file


@pytest.fixture(params=["empty", "random", "nested", "directory", "dangling", "huge", *SHAPES])
def damage(request: pytest.FixtureRequest, huge: Path) -> Damage:
    """A way to damage a file, or to put a damaged one where there is none; returns its path."""
    ways: dict[str, Callable[[Path], object]] = {
        "directory": Path.mkdir,
        "dangling": lambda file: file.symlink_to("/nonexistent/file"),
        "huge": lambda file: file.hardlink_to(huge),
        "empty": Path.touch,
        "random": lambda file: file.write_bytes(os.urandom(999)),
        "nested": lambda file: file.write_bytes(b"[" * 99_999),
    }
    ways |= {name: partial(Path.write_text, data=text) for name, text in SHAPES.items()}

    def damaged(file: Path) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        ways[request.param](file)
        return file

    return damaged
