"""images/records.yaml: which cells were verified or rehearsed, one line each. Only `builder record` writes it.

It is committed, so that others read there what was done with the images that they do not have.
"""

import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal

from builder.build.fingerprint import FINGERPRINT
from builder.errors import InputError
from builder.matrix import yaml_positions
from builder.matrix.reference import DIGEST
from builder.matrix.yaml_positions import Node, Problems, mapping, near, report, text
from builder.verify.report import WORD, Gpu

FILE = "images/records.yaml"
RECORD = "python -m builder record"
HEAD = f"# Written by `{RECORD}`: do not edit.\nschema: 1\n"
SCHEMA = re.compile("1")
NUMBER = re.compile("0|[1-9][0-9]{0,5}")
DAY = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
Status = Literal["verified", "rehearsed"]
NOT_PROVED = (
    "every step ran, with stand-ins for what NVIDIA, conda or a source's own server publish. "
    "It proves neither those packages nor that their servers answer, and nothing on a GPU."
)
"""What a rehearsal does not prove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was done with a cell: an image of it passed the checks, or one that was made with stand-ins."""

    status: Status
    day: str
    digest: str
    """What the engine knew the image by."""
    checks: str
    """The version of the checks."""
    inputs: str
    """The hash of the cell's committed inputs: `builder.build.fingerprint.committed`."""
    pins: int
    """How many pins were read inside the image."""
    passed: int
    not_checked: int
    architecture: str
    gpu: Gpu
    engine: str


Records = Mapping[str, Record]
"""By the name of the cell."""
FORMS = {
    "status": (re.compile("verified|rehearsed"), "verified or rehearsed"),
    "day": (DAY, "a day like 2026-01-31"),
    "digest": (DIGEST, "a digest"),
    "checks": (FINGERPRINT, "a sha256"),
    "inputs": (FINGERPRINT, "a sha256"),
    "pins": (NUMBER, "a number"),
    "passed": (NUMBER, "a number"),
    "not-checked": (NUMBER, "a number"),
    "architecture": (WORD, "an architecture"),
    "gpu": (re.compile("nvidia|none"), "nvidia or none"),
    "engine": (WORD, "the version of an engine"),
}
"""The form of each value of a record, and its name."""


def load(file: Path, cells: Collection[str] | None = None) -> Records:
    """The records in `file`, none where there is no such file; raises InputError with every problem found.

    With `cells` a record of any other cell is a problem too.
    """
    if not os.path.lexists(file):
        return {}
    problems: Problems = []
    try:
        found = read(yaml_positions.load(file, problems), problems, cells)
    except InputError as error:
        problems.extend(error.problems)
    if problems:
        raise InputError(problems, hint=f"git checkout {file}; or remove it, then: {RECORD} --all --all-platforms")
    return found


def read(document: Node, problems: Problems, cells: Collection[str] | None) -> Records:
    """The records of a parsed document; mistakes join `problems`."""
    top = yaml_positions.fields(document, problems, required=("schema", "records"))
    text(top.get("schema"), problems, SCHEMA, "a schema this program knows: it is 1")
    entries = mapping(top["records"], problems) if "records" in top else {}
    for name, node in entries.items():
        if cells is not None and name not in cells:
            report(problems, node, f"the matrix has no such cell{near(name, cells)}: {RECORD} removes the line")
    found = {name: record(node, problems) for name, node in entries.items()}
    return {} if problems else {name: one for name, one in found.items() if one}


def record(node: Node, problems: Problems) -> Record | None:
    """The record that stands at `node`; None when it has a mistake."""
    before = len(problems)
    entries = yaml_positions.fields(node, problems, required=FORMS)
    values: dict[str, Any] = {key: text(entries.get(key), problems, *form) for key, form in FORMS.items()}
    if values["day"] and not is_day(values["day"]):
        report(problems, entries["day"], f"{values['day']} is no day")
    if len(problems) > before:
        return None
    numbers = {key: int(values[key]) for key in ("pins", "passed", "not-checked")}
    return Record(**{key.replace("-", "_"): value for key, value in (values | numbers).items()})


def is_day(word: str) -> bool:
    with suppress(ValueError):
        return bool(date.fromisoformat(word))
    return False


def dump(records: Records) -> str:
    """The file's text: sorted, one line a cell, so that a diff can be read."""
    lines = [f"  {name}: {{{', '.join(values(one))}}}\n" for name, one in sorted(records.items())]
    return "".join([HEAD, "records:\n" if lines else "records: {}\n", *lines])


def values(one: Record) -> list[str]:
    return [f"{field.name.replace('_', '-')}: {getattr(one, field.name)}" for field in fields(one)]
