"""Reads single arguments, each from whatever was given. Every mistake is added to `problems`."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from builder.host.files import expanded
from builder.training.request.argument_types import Input, Problems, inside, is_elsewhere, is_there, source_of
from builder.training.request.arguments import Given, is_count
from builder.training.request.distribution import RESERVED
from builder.training.request.parameters import RESUME_FLAG, Word
from builder.training.request.plan import DEFAULT_SHM
from builder.training.request.run_request import AddedPackages
from builder.training.request.sizes import size

VARIABLE = re.compile(r"[^=\0]+")
REFERENCE = re.compile(
    r"[a-z0-9][a-zA-Z0-9._-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?"
    r"(@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{12,64}"
)
"""The name of an image after https://github.com/distribution/reference, or an id of the engine."""
INPUT_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


def directory(given: Given, problems: Problems) -> Path:
    """The source directory; the current one when none is given."""
    try:
        found = expanded(cast("str", given.source_directory or ".")).resolve()
    except (TypeError, ValueError, RuntimeError) as error:
        problems.add("source_directory", f"{given.source_directory!r} is not a path: {error}")
        return Path()
    if not (is_there(found) and found.is_dir()):
        problems.add("source_directory", f"{found} is not a directory that can be read")
    return found


def file(name: str, value: object, source: Path, problems: Problems) -> Path | None:
    """The absolute path of a file inside the source directory."""
    if not value:
        return None
    path = Path(str(value))
    if not inside(path, source) or not (source / path).is_file():
        problems.add(name, f"{value} is not a file inside {source}")
    return source / path


def packages(given: Given, source: Path, problems: Problems) -> AddedPackages:
    """What is added to the image."""
    return AddedPackages(
        pip=texts("pip_packages", given.pip_packages, problems),
        pip_file=file("pip_requirements_file", given.pip_requirements_file, source, problems),
        conda=texts("conda_packages", given.conda_packages, problems),
        conda_file=file("conda_dependencies_file", given.conda_dependencies_file, source, problems),
    )


def texts(name: str, value: object, problems: Problems) -> tuple[str, ...]:
    """A list of names of packages."""
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        problems.add(name, f"{value!r} is not a list")
        return ()
    found = tuple(value)
    for one in found:
        if not isinstance(one, str):
            problems.add(name, f"{one!r} is not the name of a package")
    return found


def variables(name: str, value: object, problems: Problems, *, distributed: bool) -> tuple[tuple[str, str], ...]:
    """Environment variables as pairs. A distributed run refuses the variables that it sets itself, e.g. RANK."""
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        problems.add(name, f"{value!r} is not a dictionary of names and values")
        return ()
    for key, text in value.items():
        if not isinstance(key, str) or not VARIABLE.fullmatch(key):
            problems.add(name, f"{key!r} is not the name of a variable")
        elif not isinstance(text, str) or "\0" in text:
            problems.add(name, f"the value of {key} is not text, or has a NUL in it")
        elif distributed and key in RESERVED:
            problems.add(name, f"{key} is set for each rank of a distributed run, and cannot be given")
    return tuple(value.items())


def shared_memory(name: str, value: object, problems: Problems) -> int:
    """Shared memory in bytes."""
    if value is None:
        return DEFAULT_SHM
    found = size(value)
    if found is None:
        problems.add(name, f"{value!r} is not a size like 2g or 512m")
    return found or DEFAULT_SHM


def duration(value: object, problems: Problems) -> int | None:
    """The limit of time for a run, in seconds; None without one."""
    if value is not None and not is_count(value):
        problems.add("max_run_duration_seconds", f"{value!r} is not a whole number of seconds from 1")
    return value if isinstance(value, int) else None


def inputs(value: object, found: tuple[Word, ...], problems: Problems, *, here: bool) -> tuple[Input, ...]:
    """The inputs from the list and from the script's parameters. Each name means one path.

    With `here`, the run is on this host, and so must be its inputs.
    """
    listed = value if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else ()
    if value is not None and listed is not value:
        problems.add("inputs", f"{value!r} is not a list")
    named: dict[str, Input] = {}
    for one in (*listed, *(word for word in found if isinstance(word, Input))):
        if not isinstance(one, Input):
            problems.add("inputs", f"{one!r} is not an Input(name=..., path=...)")
        elif not isinstance(one.name, str) or not INPUT_NAME.fullmatch(one.name):
            problems.add("inputs", f"{one.name!r} is not a name of letters, digits and _")
        elif problem := missing(one.path, here=here):
            problems.add("inputs", f"{one.name}: {problem}")
        elif named.setdefault(one.name, one).source != one.source:
            problems.add("inputs", f"{one.name} means {named[one.name].path} and {one.path}")
    return tuple(named.values())


def missing(path: str | os.PathLike[str], *, here: bool) -> str | None:
    """Why a run cannot read the path; None when it can, or when only the cluster can tell."""
    source = source_of(path)
    if here and is_elsewhere(path):
        return f"{source} is not on this machine, but the run is"
    if not here and not is_elsewhere(path) and not Path(path).is_absolute():
        return f"{path} is neither an absolute path of a node nor pvc://CLAIM/PATH"
    if here and not is_there(Path(source)):
        return f"{source} does not exist, or may not be read"
    return None


def resume(value: object, found: tuple[Word, ...], problems: Problems, *, here: bool) -> str | None:
    """The checkpoint to go on from, or a directory of checkpoints."""
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike):
        problems.add("resume_from", f"{type(value).__name__} is not a path")
        return None
    if problem := missing(value, here=here):
        problems.add("resume_from", problem)
    if RESUME_FLAG in found:
        where = problems.called("script_params")
        problems.add("resume_from", f"{RESUME_FLAG} is in {where} too, and only one can be meant")
    return source_of(value)
