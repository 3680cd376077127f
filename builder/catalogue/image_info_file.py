"""Reads image-info.json: every mistake of a file in one run, by the schema that is in the package."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.catalogue.image_info import COMMAND, SCHEMA, Info, info_from
from builder.errors import InputError

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

FILE = Path(__file__).with_name("image-info.schema.json")
SHOWN = 10


def schema() -> dict[str, Any]:
    """The JSON Schema of the file (draft 2020-12)."""
    return dict(json.loads(FILE.read_text("utf-8")))


def validator() -> "Validator":
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())


def load(file: Path) -> tuple[Info, ...]:
    """The images in the file; raises InputError when it is missing, damaged or of another schema."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read: {error}", hint=f"{COMMAND} --output {file}") from None
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        newer = ": a newer program wrote it" if isinstance(found, int) and found > SCHEMA else ""
        raise InputError(f"{file}: schema {found!r}, this program reads {SCHEMA}{newer}", hint=COMMAND)
    if problems := list(mistakes(content)):
        more = [f"{file}: {len(problems) - SHOWN} more mistakes"] if len(problems) > SHOWN else []
        raise InputError([*(f"{file}: {one}" for one in problems[:SHOWN]), *more], hint=f"{COMMAND} --output {file}")
    return tuple(info_from(entry) for entry in content["images"])


def mistakes(content: dict[str, Any]) -> Iterator[str]:
    """Each value that the schema refuses: where, and why; of alternatives, what keeps the nearest from fitting."""
    from jsonschema.exceptions import best_match

    for error in sorted(validator().iter_errors(content), key=lambda error: list(map(str, error.absolute_path))):
        inner = best_match([error])
        yield f"{where(inner)}: {inner.message[:200]}"


def where(error: "ValidationError") -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)[1:] or "it"
