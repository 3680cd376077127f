"""What a target lets a run use: sizes, processors and secret files, checked when the target is made."""

import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from builder.errors import InputError
from builder.host.files import expanded
from builder.host.limits import SECRET_BYTES
from builder.matrix.regular_file import read_bytes
from builder.training.request.sizes import size

SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def check(
    *,
    memory: str | None,
    cpus: float | None,
    pids_limit: int | None = None,
    source_limit: str,
    secrets: Mapping[str, str | PathLike[str]],
) -> None:
    """Raise InputError with every resource that cannot be meant."""
    problems = [
        f"{name}: {value!r} is not a size like 2g or 512m"
        for name, value in (("memory", memory), ("source_limit", source_limit))
        if value is not None and size(value) is None
    ]
    if cpus is not None and not cpus > 0:
        problems.append(f"cpus: {cpus!r} is not a number above 0")
    if pids_limit is not None and pids_limit < 1:
        problems.append(f"pids_limit: {pids_limit!r} is not a number above 0")
    for name, path in secrets.items():
        if problem := secret_problem(name, path):
            problems.append(f"secrets: {problem}")
    if problems:
        raise InputError(problems)


def secret_problem(name: str, path: str | PathLike[str]) -> str:
    """Why a run cannot have that secret; empty when it can."""
    if not SECRET_NAME.fullmatch(name):
        return f"{name!r} is not a name of letters, digits and _"
    why = unusable(expanded(path))
    return f"{name}: {path}: {why}" if why else ""


def unusable(path: Path) -> str:
    """Why a file cannot be a secret; empty when it can."""
    try:
        read_bytes(path, SECRET_BYTES)
    except OSError as error:
        return str(error.strerror)
    return ""


def secret_files(secrets: Mapping[str, str | PathLike[str]]) -> tuple[tuple[str, str], ...]:
    """The names of the secrets, and the absolute paths of their files."""
    return tuple((name, str(expanded(path).resolve())) for name, path in secrets.items())
