"""Reads image-info.json, checked against the JSON Schema beside this module; all mistakes are reported at once."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.catalogue.image_info import COMMAND, SCHEMA, Info, info_from
from builder.errors import InputError
from builder.host.cache import MAX_BYTES
from builder.host.foreign_json import foreign_json
from builder.matrix.regular_file import read_bytes

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
    """The cells and images in the file; raises InputError when it is missing, invalid, or of another version."""
    hint = f"{COMMAND} --output {shlex.quote(str(file))}"
    try:
        content = foreign_json(read_bytes(file, MAX_BYTES))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read: {error}", hint=hint) from None
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        newer = "; a newer version of it wrote the file" if isinstance(found, int) and found > SCHEMA else ""
        raise InputError(f"{file}: has schema {found!r}, and this program reads schema {SCHEMA}{newer}", hint=hint)
    if problems := list(mistakes(content)):
        more = [f"{file}: {len(problems) - SHOWN} more mistakes"] if len(problems) > SHOWN else []
        raise InputError([*(f"{file}: {one}" for one in problems[:SHOWN]), *more], hint=hint)
    return tuple(info_from(entry) for entry in content["images"])


def mistakes(content: dict[str, Any]) -> Iterator[str]:
    """One line for each value that the schema refuses, as `images[0].device: REASON`.

    Where the schema has alternatives, the reason is that of the alternative that fits best.
    """
    from jsonschema.exceptions import best_match

    for error in sorted(validator().iter_errors(content), key=lambda error: list(map(str, error.absolute_path))):
        inner = best_match([error])
        yield f"{where(inner)}: {inner.message[:200]}"


def where(error: "ValidationError") -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)[1:] or "it"
