"""Reads and writes the lock of a derived image: the exact files that a request adds.

A lock is used while the request and the contents of the image are the same. Otherwise the request is resolved anew.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from builder.derive.request import Asked, Contents, ParsedRequest, Request
from builder.errors import InputError
from builder.host.cache import SHAPE, cache_directory, ignore, say
from builder.host.files import replace_text
from builder.host.foreign_json import foreign_json
from builder.matrix.regular_file import read_bytes
from builder.matrix.spec import Distribution
from builder.matrix.yaml_positions import MAX_BYTES

SCHEMA = 1
SUFFIX = ".lock.json"
SHA256 = re.compile(r"[0-9a-f]{64}")
FILE = re.compile(r"[A-Za-z0-9_.+!-]{1,300}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """One conda package of the layer: its build, and its file by URL and sha256."""

    name: str
    version: str
    build: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request adds to an image."""

    distributions: tuple[Distribution, ...] = ()
    conda: tuple[CondaPackage, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be added."""
        return not (self.distributions or self.conda)

    @property
    def versions(self) -> dict[str, str]:
        """The added versions by name."""
        python = {one.name: one.version for one in self.distributions}
        return python | {one.name: one.version for one in self.conda}


def file_of(request: Request, asked: str) -> Path:
    """Where the lock is: `request.lock`, else beside the requirements or conda file, else in this host's cache."""
    if request.lock:
        return request.lock
    source = request.pip_requirements_file or request.conda_dependencies_file
    return source.with_suffix(SUFFIX) if source else remembered(asked)


def remembered(asked: str) -> Path:
    """Where the cache of this host has the lock of a request without a file."""
    return cache_directory() / "derived" / f"{asked}.json"


def question(wanted: ParsedRequest, held: Contents) -> str:
    """A hash over everything that decides the answer: what is asked for, and what the image holds."""
    asked = {
        "requirements": lines(wanted.requirements),
        "constraints": lines(wanted.constraints),
        "conda": lines(wanted.conda),
        "channels": list(wanted.channels),
        "overrides": sorted(wanted.overrides),
        "prereleases": wanted.prereleases,
        "python": held.python,
        "glibc": held.glibc,
        "held": {name: one.version for name, one in held.distributions.items()},
        "conda-held": list(held.conda or ()),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def lines(asked: tuple[Asked, ...]) -> list[str]:
    return sorted(" ".join([one.text, *sorted(one.sha256)]) for one in asked)


def load(file: Path, asked: str) -> Answer | None:
    """The answer in the lock; None when there is no lock, or it is for another request or image.

    Raises InputError when the lock is damaged. A damaged lock in the cache is reported, and treated as missing.
    """
    try:
        return read(file, asked)
    except InputError as error:
        if file != remembered(asked):
            raise
        ignore(file, error.message.removeprefix(f"{file}: "))
        return None


def read(file: Path, asked: str) -> Answer | None:
    """The answer in the file; None and InputError as `load` has them, also for a file in the cache."""
    try:
        content = read_bytes(file, MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    try:
        found = foreign_json(content)
        if found["schema"] != SCHEMA or found["asked"] != asked:
            return None
        return Answer(
            distributions=tuple(added(name, line) for name, line in sorted(found["distributions"].items())),
            conda=tuple(package(name, line) for name, line in sorted(found["conda"].items())),
        )
    except SHAPE as error:
        raise InputError(f"{file}: edited by hand or damaged: {error!r}", hint=anew(file)) from None


def anew(file: Path) -> str:
    """The hint for a lock that cannot be used."""
    return f"rm {shlex.quote(str(file))}, then the same command: it resolves anew"


def added(name: str, line: str) -> Distribution:
    version, file, sha256, *url = line.split(" ")
    if not FILE.fullmatch(file) or not SHA256.fullmatch(sha256.removeprefix("sha256:")) or len(url) > 1:
        raise ValueError(line)
    if url and not url[0].startswith("https://"):
        raise ValueError(url[0])
    Version(version)
    return Distribution(name=name, version=version, file=file, sha256=sha256.removeprefix("sha256:"), url="".join(url))


def package(name: str, line: str) -> CondaPackage:
    version, build, url, sha256 = line.split(" ")
    return CondaPackage(name=name, version=version, build=build, url=url, sha256=sha256.removeprefix("sha256:"))


def dump(asked: str, answer: Answer, held: Contents) -> str:
    """The text of the lock."""
    content: Mapping[str, Any] = {
        "schema": SCHEMA,
        "generated": "by `python -m builder derive`: do not edit",
        "asked": asked,
        "for": held.promise.cell,
        "distributions": {
            one.name: f"{one.version} {one.file} sha256:{one.sha256} {one.url}".strip() for one in answer.distributions
        },
        "conda": {one.name: f"{one.version} {one.build} {one.url} sha256:{one.sha256}" for one in answer.conda},
    }
    return json.dumps(content, indent=1) + "\n"


def save(file: Path, text: str, asked: str) -> None:
    """Writes the lock atomically; raises InputError. A lock for the cache that cannot be written is only reported."""
    try:
        replace_text(file, text)
    except OSError as error:
        what = f"{file}: the lock cannot be written: {error.strerror}"
        if file != remembered(asked):
            raise InputError(what, hint="the same command with --lock FILE, a file that can be written") from None
        say(f"{what}; the same request is resolved again next time")


def key(base: str, answer: Answer) -> str:
    """A hash that names the derived image: over the digest of its base and every file added."""
    parts = [str(SCHEMA), base, *(f"{one.name}=={one.version} {one.sha256}" for one in answer.distributions)]
    parts += [f"conda {one.name}={one.version}={one.build} {one.sha256}" for one in answer.conda]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
