"""Reads a directory or an archive of advisories: OSV's JSON, as its `all.zip` has it, and the YAML of PyPA's database.

Only records that name a locked distribution are parsed: a database has tens of thousands.
"""

import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from packaging.utils import canonicalize_name

from builder.advisories.record import Advisory, record_from
from builder.errors import InputError
from builder.host.foreign_json import foreign_json
from builder.host.limits import ADVISORIES, ADVISORY_BYTES

NAME = re.compile(rb"""["']?name["']?:\s*["']?([A-Za-z0-9][A-Za-z0-9._-]*)""")
MODIFIED = re.compile(rb"""["']?modified["']?:\s*["']?(\d{4}-\d\d-\d\d)""")
ENDINGS = (".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The records of some distributions, how many there are of all, the day of the newest, and what is no record."""

    advisories: tuple[Advisory, ...]
    count: int
    newest: str
    unreadable: tuple[str, ...]


def load(path: Path, names: Collection[str]) -> Database:
    """The records of the named distributions; raises InputError where there is no record at all, or too many."""
    found, unreadable, newest, count = list[Advisory](), list[str](), "", 0
    for name, content in files(path):
        count += 1
        newest = max([newest, *(one.decode() for one in MODIFIED.findall(content))])
        if not {canonicalize_name(one.decode()) for one in NAME.findall(content)} & set(names):
            continue
        try:
            found.append(record_from(parsed(name, content)))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, yaml.YAMLError) as error:
            unreadable.append(f"{name}: {type(error).__name__}: {error}"[:200])
    if not count:
        raise InputError(f"{path}: no record of advisories", hint="advisories of site.yaml: a directory, or an all.zip")
    return Database(advisories=tuple(found), count=count, newest=newest, unreadable=tuple(unreadable))


def files(path: Path) -> Iterator[tuple[str, bytes]]:
    """The name and content of each file that may be a record, in their order."""
    members = in_archive(path) if path.is_file() else in_directory(path)
    for count, (name, content) in enumerate(members):
        if count >= ADVISORIES:
            raise InputError(f"{path}: more than {ADVISORIES:,} records")
        if len(content) > ADVISORY_BYTES:
            raise InputError(f"{path}: {name}: more than {ADVISORY_BYTES:,} bytes")
        yield name, content


def in_directory(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        if file.suffix in ENDINGS and file.is_file():
            with file.open("rb") as stream:
                yield file.relative_to(path).as_posix(), stream.read(ADVISORY_BYTES + 1)


def in_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """The members of a zip; raises InputError when it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(ENDINGS):
                    with archive.open(name) as stream:
                        yield name, stream.read(ADVISORY_BYTES + 1)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path}: no archive of advisories: {error}") from None


def parsed(name: str, content: bytes) -> dict[str, object]:
    """The document in a file; raises ValueError, TypeError or YAMLError when it is none."""
    if name.endswith(".json"):
        found = foreign_json(content)
    else:
        found = yaml.load(content, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 (text only)
    if not isinstance(found, dict):
        raise TypeError("no mapping")
    return found
