"""Reads requirements.txt as pip does, with the file and line of each requirement.

Files outside the source directory are refused, and indexes other than the site's. The format:
https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.derive.request import Asked, Reading, Sited
from builder.derive.requirement import is_index_of, requirement
from builder.errors import InputError
from builder.host.site import redact
from builder.matrix.regular_file import read_bytes
from builder.matrix.yaml_positions import CONTROL, MAX_BYTES, near, show

MAX_FILES = 50
OPTION = re.compile(r"(--[a-z][a-z-]*|-[A-Za-z])(?:\s*=\s*|\s+)?(.*)")
COMMENT = re.compile(r"(^|\s)#.*$")
VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
INCLUDE = ("-r", "--requirement")
CONSTRAIN = ("-c", "--constraint")
INDEX = ("-i", "--index-url", "--pypi-url", "--extra-index-url")
PLACES = ("-f", "--find-links", "--trusted-host", "--no-index")
HARMLESS = ("--prefer-binary", "--only-binary", "--use-feature")
SOURCES = ("--no-binary",)
EDITABLE = ("-e", "--editable")
KNOWN = (*INCLUDE, *CONSTRAIN, *INDEX, *PLACES, *HARMLESS, *SOURCES, *EDITABLE, "--pre", "--require-hashes")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementsSource:
    """A file being read; `name` is its path in messages."""

    file: Path
    root: Path
    """The source directory, which every included file has to be below."""
    name: str
    constrains: bool = False
    """Whether it was included by `-c`, so that its lines are constraints."""


def read_file(file: Path, root: Path | None, site: Sited, reading: Reading) -> None:
    """Adds what the file and its includes ask for to `reading`, problems included; `root` is the source directory."""
    top = (root or file.parent).resolve()
    if not file.resolve().is_relative_to(top):
        reading.problems.append(f"{file}: outside the source directory {top}")
        return
    read(RequirementsSource(file=file, root=top, name=str(file)), site, reading)


def read(source: RequirementsSource, site: Sited, reading: Reading) -> None:
    """Reads one file, once: two files may include each other."""
    real = source.file.resolve()
    if real in reading.visited:
        return
    if len(reading.visited) == MAX_FILES:
        reading.problems.append(f"{source.name}: not read: at most {MAX_FILES} files may be included")
        return
    reading.visited.add(real)
    try:
        text = content(source.file, source.name)
    except InputError as error:
        reading.problems += error.problems
        return
    for number, line in logical(text):
        one(line, f"{source.name}:{number}", source, site, reading)


def content(file: Path, name: str) -> str:
    """The text of a file, with the line ends of Unix.

    Raises InputError when it is no file, larger than MAX_BYTES, not UTF-8, or has control characters.
    """
    try:
        if not file.is_file():
            raise InputError(f"{name}: {'not a file' if file.exists() else 'no such file'}")
        found = read_bytes(file, MAX_BYTES)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    try:
        text = found.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 at byte {error.start}") from None
    if bad := CONTROL.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise InputError(f"{name}:{line}: control character {bad.group()!r}")
    return text


def logical(text: str) -> Iterator[tuple[int, str]]:
    """The logical lines without comments, each with the number of its first line; a backslash joins two lines."""
    parts: list[str] = []
    first = 0
    for number, raw in enumerate([*text.split("\n"), ""], 1):
        first = first or number
        line = COMMENT.sub("", raw)
        if line == raw and line.endswith("\\"):
            parts.append(line[:-1])
            continue
        parts.append(line)
        if joined := " ".join(" ".join(parts).split()):
            yield first, joined
        parts, first = [], 0


def one(line: str, place: str, source: RequirementsSource, site: Sited, reading: Reading) -> None:
    """Adds one logical line: a requirement, or an option for the whole file."""
    if VARIABLE.search(line):
        reading.problems.append(
            f"{place}: an environment variable may have another value on another machine: write its value"
        )
    elif line.startswith("-"):
        option(line, place, source, site, reading)
    elif found := requirement(line, place, reading.problems):
        (reading.constraints if source.constrains else reading.requirements).append(found)


def option(line: str, place: str, source: RequirementsSource, site: Sited, reading: Reading) -> None:
    """Applies an option line, or adds the problem with it."""
    match = OPTION.fullmatch(line)
    name, value = match.groups() if match else (line.split(maxsplit=1)[0], "")
    if name in (*INCLUDE, *CONSTRAIN):
        include(value, place, source, site, reading, constrains=source.constrains or name in CONSTRAIN)
    elif name == "--pre":
        reading.prereleases = True
    elif name == "--require-hashes":
        reading.require_hashes = True
    elif not allowed(name, value, site):
        reading.problems.append(f"{place}: {refusal(name, value, site)}")


def allowed(name: str, value: str, site: Sited) -> bool:
    """Whether an option may be ignored: it changes nothing here, or names an index that the site has."""
    return name in HARMLESS or (name in INDEX and is_index_of(value, site()))


def refusal(name: str, value: str, site: Sited) -> str:
    """Why an option is refused."""
    if name in INDEX:
        own = redact(site().pip_index_url or "pip's default")
        what = show(redact(value))
        return f"{name} {what}: not the index of this site, {own}: only pip.index-url in site.yaml sets the index"
    if name in PLACES:
        return f"{name}: only site.yaml says where packages come from: pip.index-url and pip.find-links"
    if name in EDITABLE:
        return (
            f"{name}: the content of a directory can change: build a wheel, put it into a directory of"
            " pip.find-links in site.yaml, and write NAME==VERSION"
        )
    if name in SOURCES:
        return f"{name} {show(value)}: only wheels are installed: building runs a package's code and needs a compiler"
    return f"{show(name)}: not an option of requirements files{near(name, KNOWN)}"


def include(
    value: str, place: str, source: RequirementsSource, site: Sited, reading: Reading, *, constrains: bool
) -> None:
    """Reads a file that another one includes, or adds the problem when it is not below the source directory."""
    if why := not_included(value, source):
        reading.problems.append(f"{place}: {show(value)}: {why}")
        return
    file, name = source.file.parent / value, str(Path(source.name).parent / value)
    read(RequirementsSource(file=file, root=source.root, name=name, constrains=constrains), site, reading)


def not_included(value: str, source: RequirementsSource) -> str:
    """Why a file is not read; empty when it is."""
    if not value or "://" in value or Path(value).is_absolute():
        return "expected a relative path of a file below the source directory"
    file = source.file.parent / value
    # Resolved, as a symbolic link may point outside.
    if not file.resolve().is_relative_to(source.root):
        return f"outside the source directory {source.root}"
    return "" if file.is_file() else "not a file" if file.exists() else "no such file"


def asked(text: str, place: str, reading: Reading) -> Asked | None:
    """One requirement from the command line or a `pip:` list, where options are refused."""
    if bad := CONTROL.search(text.replace("\n", "\x00")):
        reading.problems.append(f"{place}: {show(text)}: control character {bad.group()!r}")
        return None
    if text.strip().startswith("-"):
        reading.problems.append(f"{place}: {show(text)}: an option, not a package: options go into a requirements file")
        return None
    return requirement(" ".join(text.split()), place, reading.problems)
