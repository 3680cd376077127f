"""The inputs of an image, as values and hashes, and the fingerprint over all of them."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from sys import intern
from typing import Any

from builder.matrix.names import LABEL_FINGERPRINT
from builder.matrix.promise import LONGEST, matched, read_label

SCHEMA = 1
LABEL_LIMIT = 16_000
LISTS = {"requirements/": "==", "packages/": "="}
"""The directories of files with one `name`, or name and version, on a line."""
ROW = "row"
FINGERPRINT = re.compile(r"[0-9a-f]{64}")
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+!~:@=^-]{0,199}")
"""A name, version or hash in a label. Anybody may have written the label, and people read it on a terminal."""
Versions = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that decides the bytes of an image. No clock, host, path or other row is in it."""

    platform: str
    """The platform's name and the architecture: `debian12/amd64`."""
    base: str
    """The digest of the base; empty until it is made."""
    toolchain: str
    """The digest of the base on which packages were compiled and installed: the base itself, or an earlier one."""
    pins: Versions
    files: Mapping[str, str]
    """The sha256 of each rendered file. The Dockerfile's leaves out the label, which counts on its own as `row`."""
    stages: Mapping[str, str]
    """The sha256 of each stage that the site replaced."""
    layers: str = ""
    """How wheels become layers: the number of the format, and the compression; empty for older images."""
    lists: Mapping[str, Versions] = field(default_factory=dict)
    """The packages in each list, to say what changed. The fingerprint takes the hashes of the files instead."""


def inputs_of(
    *,
    files: Mapping[str, str],
    row: str,
    pins: Versions,
    platform: str,
    base: str,
    toolchain: str,
    stages: Mapping[str, str],
    layers: str = "",
) -> Inputs:
    """The inputs of a cell. `row` is its label as the Dockerfile writes it, once, in the rendered `files`."""
    return Inputs(
        platform=platform,
        base=base,
        toolchain=toolchain,
        pins=dict(pins),
        files=hashes(files, row),
        stages=dict(stages),
        layers=layers,
        lists={name: versions(text, mark) for name, text in files.items() if (mark := separator(name))},
    )


def hashes(files: Mapping[str, str], row: str) -> dict[str, str]:
    """The sha256 of each file without the row, and that of the row."""
    found = {name: sha256(text.replace(row, "", 1) if row else text) for name, text in sorted(files.items())}
    return {**found, ROW: sha256(row)}


def committed(files: Mapping[str, str]) -> str:
    """A hash over the `files` of a cell's inputs, which row, lock and templates give: all that is committed of them.

    The base and the stages of a site are not in it, nor is the architecture.
    """
    return sha256(json.dumps(dict(files), sort_keys=True))


def separator(name: str) -> str | None:
    """The mark between name and version in that file, for example `==`; None when the file is no list."""
    return next((mark for start, mark in LISTS.items() if name.startswith(start)), None)


def versions(text: str, mark: str) -> dict[str, str]:
    """The versions in a list, by name; empty where the list gives none. Equal texts are stored once."""
    words = (line.split()[0].partition(mark) for line in text.splitlines() if line.strip())
    return {intern(name): intern(version) for name, _, version in words}


def fingerprint(inputs: Inputs) -> str:
    """The fingerprint: a sha256 in hexadecimal; empty when the base is not known."""
    if not inputs.base:
        return ""
    content = {"schema": SCHEMA, **document(inputs)}
    del content["lists"]
    return sha256(json.dumps(content, sort_keys=True))


def label(inputs: Inputs) -> str:
    """The inputs as one line of JSON, without the lists when the label would be too long with them."""
    text = dumped(document(inputs))
    return text if len(text) <= LABEL_LIMIT else dumped({**document(inputs), "lists": {}})


def dumped(content: Mapping[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, **content}, sort_keys=True, separators=(",", ":"))


def document(inputs: Inputs) -> dict[str, Any]:
    return {one.name: getattr(inputs, one.name) for one in fields(inputs)}


def parse(text: str) -> Inputs:
    """The inputs in a label; raises ValueError for anything that `label` did not write."""
    return read_label(text, read, LONGEST)


def read(content: Mapping[str, Any]) -> Inputs:
    """The inputs in parsed JSON; raises ValueError, or an error of the shape."""
    if content["schema"] != SCHEMA:
        raise ValueError(f"schema {content['schema']!a:.60}, this program reads {SCHEMA}")
    return Inputs(
        platform=word(content["platform"]),
        base=word(content["base"]),
        toolchain=word(content.get("toolchain", content["base"])),
        pins=words(content["pins"]),
        files=words(content["files"]),
        stages=words(content["stages"]),
        layers=word(content.get("layers", "")),
        lists={matched(name, WORD): words(found) for name, found in content["lists"].items()},
    )


def word(value: object) -> str:
    return "" if value == "" else matched(value, WORD)


def words(content: Mapping[str, Any]) -> dict[str, str]:
    return {matched(name, WORD): word(value) for name, value in content.items()}


def fingerprint_in(labels: Mapping[str, Any]) -> str:
    """The fingerprint in an image's labels; empty when they have none of its form."""
    found = labels.get(LABEL_FINGERPRINT)
    return found if isinstance(found, str) and FINGERPRINT.fullmatch(found) else ""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
