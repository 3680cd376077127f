"""What a run begins with: a script or a module, and the words that execute it. A script's first line decides."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.training.request.argument_types import Module, Problems, Prompt, inside, is_there

PYTHON = ("python",)
MODULE = ("python", "-m")
PYTHON_SUFFIXES = ("", ".py", ".pyc", ".pyw", ".pyz", ".zip")
LONGEST = 256
"""Bytes of a first line that Linux reads: https://docs.kernel.org/filesystems/binfmt-misc.html, BINPRM_BUF_SIZE."""
DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A script relative to the source, or a module, and what executes it."""

    name: str
    runner: tuple[str, ...] = PYTHON


def entry_of(wanted: object, source: Path, problems: Problems) -> Entry:
    """The entry of a run; every mistake becomes a problem."""
    if isinstance(wanted, Prompt):
        return Entry(name=wanted.program, runner=())
    if isinstance(wanted, Module):
        return module(wanted.name, source, problems)
    if not isinstance(wanted, str | os.PathLike) or not os.fspath(wanted):
        where = problems.called("source_directory")
        problems.append(f"{problems.called('entry_script')} is missing: name the script in {where} to run")
        return Entry(name="")
    return script(Path(wanted), source, problems)


def module(name: object, source: Path, problems: Problems) -> Entry:
    """A module of the source or of the image. What the source begins to name, it must have."""
    called = problems.called("entry_script=Module", "entry_script")
    if not isinstance(name, str) or not DOTTED.fullmatch(name):
        problems.append(f"{called}: {name!r} is not the name of a module, like package.train")
        return Entry(name="", runner=MODULE)
    parts = name.split(".")
    place = source.joinpath(*parts)
    known = (place.with_name(f"{parts[-1]}.py"), place / "__main__.py")
    if is_there(source / parts[0]) and not any(map(is_there, known)):
        problems.append(f"{called}: the module {name} is neither {known[0]} nor {known[1]}")
    return Entry(name=name, runner=MODULE)


def script(path: Path, source: Path, problems: Problems) -> Entry:
    """A script inside the source, with what its first line names unless it is Python's."""
    if path.suffix.lower() == ".ipynb":
        convert = f"jupyter nbconvert --to script {shlex.quote(str(source / path))}"
        problems.add("entry_script", f"{path} is a notebook; try: {convert}, then run {path.with_suffix('.py')}")
    elif not inside(path, source):
        problems.add("entry_script", f"{path} is not inside {source}")
    elif is_there(source) and not (source / path).is_file():
        problems.add("entry_script", f"{source / path} is not a file")
    elif is_there(source / path):
        return Entry(name=relative(path), runner=runner(path, source, problems))
    return Entry(name=relative(path))


def relative(path: Path) -> str:
    """The path without detours. Python and shells take `-c` for an option."""
    found = os.path.normpath(path)
    return f"./{found}" if found.startswith("-") else found


def runner(path: Path, source: Path, problems: Problems) -> tuple[str, ...]:
    """What executes a script: Python for Python's suffixes, else what the first line names."""
    suffix = path.suffix.lower()
    if suffix in PYTHON_SUFFIXES[1:]:
        return PYTHON
    with (source / path).open("rb") as file:
        line = file.readline(LONGEST).decode("utf-8", "surrogateescape")
    if line.startswith("#!") and line.endswith("\r\n"):
        mend = f"sed -i 's/\\r$//' {shlex.quote(str(source / path))}"
        problems.add("entry_script", f"{path} has the line ends of Windows, which no shell reads; try: {mend}")
    found = interpreter(line)
    if found is None and suffix not in PYTHON_SUFFIXES:
        problems.add(
            "entry_script", f"{path} is not Python's, and no first line says what executes it, like #!/bin/bash"
        )
    return found or PYTHON


def interpreter(line: str) -> tuple[str, ...] | None:
    """What a first line like `#!/bin/bash -e` names, as Linux reads it; None when it names nothing.

    Any Python is the `python` of the image, because the system's own has no framework.
    """
    words = line.removeprefix("#!").strip().split(maxsplit=1)
    if not line.startswith("#!") or not words:
        return None
    inner = env_words(words) or words
    if re.fullmatch(r"python[0-9.]*", PurePosixPath(inner[0]).name):
        return (*PYTHON, *inner[1:])
    return tuple(words)


def env_words(words: list[str]) -> list[str]:
    """What `/usr/bin/env` executes; empty for any other program, and where it only sets variables."""
    if PurePosixPath(words[0]).name != "env" or len(words) == 1:
        return []
    split = re.sub(r"^(-S|--split-string=?)\s*", "", words[1])
    found = split.split() if split != words[1] else [words[1]]
    return [] if not found or found[0].startswith("-") or "=" in found[0] else found
