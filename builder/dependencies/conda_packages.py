"""conda's packages of an environment as builder.lock records them: an explicit list, so that no solver runs in a build.

They are known by md5, which is what conda's lists hold, and by sha256 once a file was at hand.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.errors import InputError
from builder.matrix.spec import CONDA, CondaPackage, ImageSpec

Recorded = Mapping[str, tuple[CondaPackage, ...]]
"""By `python==VERSION` the packages of that Python's environment."""
PYTHON = re.compile(r"python==[0-9][0-9.]*")
PATH = re.compile(r"[a-z]+/(linux-64|noarch)/(?P<name>[a-z0-9_.-]+)-[A-Za-z0-9._!+]+-[A-Za-z0-9._]+\.tar\.bz2")
LINE = re.compile(r"(?P<path>\S+) md5:(?P<md5>[0-9a-f]{32})( sha256:(?P<sha256>[0-9a-f]{64}))?")
EXPLICIT = "conda list --explicit --md5 > FILE"


def question(spec: ImageSpec) -> str | None:
    """How the lock names the environment that conda makes for this row; None where conda makes none."""
    return f"python=={spec.value('python')}" if spec.pin("miniconda") else None


def of(spec: ImageSpec, recorded: Recorded) -> tuple[CondaPackage, ...]:
    """Conda's packages of the row; empty where it has none, or where none are recorded."""
    return recorded.get(question(spec) or "", ())


def explicit(file: Path) -> tuple[CondaPackage, ...]:
    """The packages of what `conda list --explicit --md5` printed, sorted; raises InputError with each wrong line."""
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}", hint=EXPLICIT) from None
    found, problems = [], []
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        url, _, md5 = line.partition("#")
        if not line or line.startswith(("#", "@")):
            continue
        try:
            found.append(package(f"{url.removeprefix(f'{CONDA}/')} md5:{md5}"))
        except ValueError:
            problems.append(f"{file}:{number}: not like {CONDA}/main/linux-64/NAME-VERSION-BUILD.tar.bz2#MD5: {line}")
    if problems or not found:
        raise InputError(problems or [f"{file}: no package in it"], hint=EXPLICIT)
    return tuple(sorted(found, key=lambda one: one.path))


def python_of(packages: Iterable[CondaPackage]) -> str:
    """The question that a list answers, by the Python in it; raises InputError when it holds none."""
    for one in packages:
        if one.name == "python":
            return f"python=={one.version}"
    raise InputError("no python is among the packages of conda", hint=EXPLICIT)


def with_sha256(packages: Iterable[CondaPackage], directories: Iterable[Path]) -> tuple[CondaPackage, ...]:
    """The packages, each with its sha256 where a directory holds the very file that its md5 names."""
    places = tuple(directories)
    return tuple(one if one.sha256 else replace(one, sha256=sha256_in(one, places)) for one in packages)


def sha256_in(one: CondaPackage, directories: Iterable[Path]) -> str | None:
    """The sha256 of the package's file in the first directory with those bytes, or None."""
    for directory in directories:
        file = directory / one.file
        content = file.read_bytes() if file.is_file() else b""
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == one.md5:
            return hashlib.sha256(content).hexdigest()
    return None


def read(entries: Mapping[str, Any]) -> dict[str, tuple[CondaPackage, ...]]:
    """The environments of a parsed lock; raises an error of the shape."""
    if wrong := [name for name in entries if not PYTHON.fullmatch(name)]:
        raise ValueError(wrong[0])
    return {name: tuple(map(package, lines)) for name, lines in entries.items()}


def package(line: str) -> CondaPackage:
    """A package from its line in the lock; raises ValueError."""
    found = LINE.fullmatch(line)
    if found is None or not PATH.fullmatch(found["path"]):
        raise ValueError(line)
    return CondaPackage(path=found["path"], md5=found["md5"], sha256=found["sha256"])


def document(recorded: Recorded) -> dict[str, list[str]]:
    """What `read` reads: sorted, one line a package."""
    return {name: [line(one) for one in packages] for name, packages in sorted(recorded.items())}


def line(one: CondaPackage) -> str:
    return f"{one.path} md5:{one.md5}" + (f" sha256:{one.sha256}" if one.sha256 else "")
