"""The build contexts as they lie in images/, and the row as a Dockerfile writes it."""

import json
from pathlib import Path

from builder.matrix.promise import promise_of
from builder.matrix.spec import ImageSpec

Files = dict[str, str]


def existing(directory: Path) -> Files:
    """The files below `directory`, by relative path."""
    files = sorted(path for path in directory.rglob("*") if path.is_file()) if directory.is_dir() else []
    return {path.relative_to(directory).as_posix(): path.read_text("utf-8", errors="replace") for path in files}


def quoted(value: str) -> str:
    """A value as a Dockerfile word that nothing in it can end: https://docs.docker.com/reference/dockerfile/#format."""
    return json.dumps(value).replace("$", "\\$")


def row_of(spec: ImageSpec) -> str:
    """The label of the cell's row, as its Dockerfile writes it."""
    return quoted(promise_of(spec).to_label())
