"""requirements.txt as pip reads it, line by line with places; what leaves the directory or the site is refused.

The format: https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.derive.request import Asked, Reading, Sited
from builder.derive.requirement import is_index_of, requirement
from builder.errors import InputError
from builder.host.site import redact
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
    """A file being read: the directory that nothing in it may leave, and whether it only constrains."""

    file: Path
    root: Path
    name: str
    constrains: bool = False


def read_file(file: Path, root: Path | None, site: Sited, reading: Reading) -> None:
    """Add what a requirements file and those it includes ask for; every problem joins the reading."""
    top = (root or file.parent).resolve()
    if not file.resolve().is_relative_to(top):
        reading.problems.append(f"{file}: is outside the source directory {top}")
        return
    read(RequirementsSource(file=file, root=top, name=str(file)), site, reading)


def read(source: RequirementsSource, site: Sited, reading: Reading) -> None:
    """Read one file, unless it was read before: two that include each other are no more than both of them."""
    real = source.file.resolve()
    if real in reading.visited:
        return
    if len(reading.visited) == MAX_FILES:
        reading.problems.append(f"{source.name}: the files include more than {MAX_FILES} others")
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
    """The text of a file; raises InputError when it is no file, too large, not UTF-8, or has control characters."""
    try:
        # A device or a pipe never ends, and would be waited for.
        if not file.is_file():
            raise InputError(f"{name}: {'not a file' if file.exists() else 'no such file'}")
        with file.open("rb") as stream:
            found = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    if len(found) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES:,} bytes, which no such file needs")
    try:
        text = found.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 at byte {error.start}") from None
    if bad := CONTROL.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise InputError(f"{name}:{line}: control character {bad.group()!r}")
    return text


def logical(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, those ending in a backslash joined, each with the number of its first."""
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
    """One logical line: a requirement, or an option for the whole file."""
    if VARIABLE.search(line):
        reading.problems.append(f"{place}: a variable would make the request another one on each machine: write it out")
    elif line.startswith("-"):
        option(line, place, source, site, reading)
    elif found := requirement(line, place, reading.problems):
        (reading.constraints if source.constrains else reading.requirements).append(found)


def option(line: str, place: str, source: RequirementsSource, site: Sited, reading: Reading) -> None:
    """An option line, obeyed or refused with the reason."""
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
    """Whether an option says nothing else than this site and this program already do."""
    return name in HARMLESS or (name in INDEX and is_index_of(value, site()))


def refusal(name: str, value: str, site: Sited) -> str:
    """Why an option is not obeyed."""
    if name in INDEX:
        own = redact(site().pip_index_url or "pip's default")
        what = show(redact(value))
        return f"{name} {what}: where packages come from is the site's matter ({own}): pip.index-url in site.yaml"
    if name in PLACES:
        return f"{name}: where packages come from is the site's matter: pip.find-links in site.yaml"
    if name in EDITABLE:
        return f"{name}: a directory that can be edited is no fixed content: build a wheel, put it into find-links"
    if name in SOURCES:
        return f"{name} {show(value)}: only wheels are installed: building runs a package's code, and wants a compiler"
    return f"{show(name)}: no option of requirements files{near(name, KNOWN)}"


def include(
    value: str, place: str, source: RequirementsSource, site: Sited, reading: Reading, *, constrains: bool
) -> None:
    """Read a file that another one names, when it is inside the source directory."""
    if not value or "://" in value or Path(value).is_absolute():
        reading.problems.append(f"{place}: {show(value)}: only files below the source directory can be included")
        return
    file = source.file.parent / value
    # Symbolic links count as what they point to.
    if not file.resolve().is_relative_to(source.root):
        reading.problems.append(f"{place}: {show(value)}: leaves the source directory {source.root}")
        return
    if not file.is_file():
        reading.problems.append(f"{place}: {show(value)}: {'not a file' if file.exists() else 'no such file'}")
        return
    name = str(Path(source.name).parent / value)
    read(RequirementsSource(file=file, root=source.root, name=name, constrains=constrains), site, reading)


def asked(text: str, place: str, reading: Reading) -> Asked | None:
    """One requirement from the command line or a list: never an option."""
    if bad := CONTROL.search(text.replace("\n", "\x00")):
        reading.problems.append(f"{place}: {show(text)}: control character {bad.group()!r}")
        return None
    if text.strip().startswith("-"):
        reading.problems.append(f"{place}: {show(text)}: an option is no package: it goes into a requirements file")
        return None
    return requirement(" ".join(text.split()), place, reading.problems)
