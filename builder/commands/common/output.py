"""Formats results: as a table for people, as a document for programs."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builder.commands.options import Format
from builder.errors import InputError, harmless

SCHEMA = 1


def document(rows: Sequence[Mapping[str, Any]], key: str, form: Format, more: Mapping[str, Any] | None = None) -> str:
    """The rows as a table, or as a JSON, YAML or GitHub job-matrix document. `more` is beside them in JSON and YAML.

    Raises InputError for a job matrix of what is no image.
    """
    if form == "json":
        # A runner of GitHub obeys `##[` within any line.
        return json.dumps({"schema": SCHEMA, key: list(rows), **(more or {})}, indent=2).replace("##[", r"#\u0023[")
    if form == "yaml":
        import yaml

        return harmless(
            str(yaml.safe_dump({"schema": SCHEMA, key: list(rows), **(more or {})}, sort_keys=False))
        ).rstrip()
    if form == "github":
        if any("name" not in row for row in rows):
            raise InputError(f"--format github lists images, and these are {key}", hint="--format json")
        return "matrix=" + json.dumps({"include": [{"image": row["name"]} for row in rows]}, separators=(",", ":"))
    return table(rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as padded columns; the keys of the first row are the header."""
    if not rows:
        return ""
    lines = [list(rows[0].keys()), *([text(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = (
        "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return "\n".join(padded)


def counted(words: Iterable[str], order: Sequence[str] = ()) -> str:
    """How often each word occurs, for example `2 build, 27 skip`: in that order, else in the alphabet's."""
    counts = Counter(words)
    return ", ".join(f"{counts[word]} {word}" for word in order or sorted(counts) if counts[word])


def say(line: str) -> None:
    """Print a line for people on stderr; results go to stdout."""
    print(harmless(line), file=sys.stderr)


def text(value: object) -> str:
    return "" if value is None else harmless(str(value))


def workflow_command(kind: str, message: str, **properties: str) -> str:
    """A workflow command: https://docs.github.com/actions/reference/workflow-commands.

    Foreign text in it ends neither the command nor a property.
    """
    told = ",".join(
        f"{name}={escaped(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items()
    )
    return f"::{kind}{' ' if told else ''}{told}::{escaped(message)}"


def escaped(text: str) -> str:
    """The text as a workflow command has it, on one line."""
    return harmless(text).replace("%", "%25").replace("\n", "%0A")
