"""Formats results: as a table for people, as a document for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from builder.commands.options import Format

SCHEMA = 1


def document(rows: Sequence[Mapping[str, Any]], key: str, form: Format) -> str:
    """The rows as a table, or as a JSON, YAML or GitHub job-matrix document."""
    if form == "json":
        return json.dumps({"schema": SCHEMA, key: list(rows)}, indent=2)
    if form == "yaml":
        import yaml

        return str(yaml.safe_dump({"schema": SCHEMA, key: list(rows)}, sort_keys=False)).rstrip()
    if form == "github":
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


def text(value: object) -> str:
    return "" if value is None else str(value)
