"""Finds the files of a source directory that belong to its snapshot.

The rules are the documented ones. The `.amlignore` of the top directory counts; without one, its `.gitignore` does.
Patterns mean what they mean to git.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import InputError
from builder.matrix.regular_file import read_bytes
from builder.matrix.yaml_positions import MAX_BYTES

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".amlignore", ".gitignore")
OWN = ("outputs", "logs")
"""The directories that the run writes to. In the snapshot they are empty."""
NEVER = ".git"
STARS = 3
"""In one name of a pattern. With 4 of them a name of 255 letters takes a second, and with 5 a minute."""
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """A file, or a link to a place inside the source. Paths are relative to the source."""

    path: str
    size: int = 0
    executable: bool = False
    link: str | None = None


def entries(source: Path, skip: tuple[Path, ...] = ()) -> list[SourceEntry]:
    """What belongs to the snapshot, sorted by path. Raises InputError for everything that cannot be copied."""
    problems: list[str] = []
    found = sorted(walk(source, spec_of(source), frozenset(skip), problems), key=lambda entry: os.fsencode(entry.path))
    if problems:
        raise InputError(
            problems[:SHOWN] + ([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []),
            hint="name what the script does not need in .amlignore; pass data with --input NAME=PATH",
        )
    return found


def spec_of(source: Path) -> "GitIgnoreSpec | None":
    """The patterns of the ignore file that counts; None without one. Raises InputError for a wrong pattern."""
    file = next((source / name for name in IGNORE_FILES if (source / name).is_file()), None)
    if file is None:
        return None
    from pathspec import GitIgnoreSpec

    try:
        lines = read_bytes(file, MAX_BYTES).decode("utf-8", "surrogateescape").splitlines()
        numbered = enumerate(lines, 1)
        problems = [
            f"{file}:{number}: more than {STARS} * in a name of the pattern"
            for number, line in numbered
            if is_slow(line)
        ]
        if problems:
            raise InputError(problems, hint="each further * makes every name slower to compare: write the names out")
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise InputError(f"{file}: {error}") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None


def is_slow(line: str) -> bool:
    """Whether a pattern of the ignore file would be compared for minutes: each run of `*` may begin anywhere."""
    parts = [] if line.startswith("#") else line.split("/")
    return any(one != "**" and len(re.findall(r"\*+", one)) > STARS for one in parts) or parts.count("**") > STARS


def walk(
    source: Path, spec: "GitIgnoreSpec | None", skip: frozenset[Path], problems: list[str]
) -> Iterator[SourceEntry]:
    """Every file and link that is not ignored. Like git, it does not enter an ignored directory."""
    pending = [""]
    while pending:
        below = pending.pop()
        for item in listed(source / below, problems):
            path = f"{below}{item.name}"
            is_directory = item.is_dir(follow_symlinks=False)
            if is_left_out(path, item, spec, skip, is_directory=is_directory):
                continue
            if is_directory:
                pending.append(f"{path}/")
            elif entry := entry_of(source, path, item, problems):
                yield entry


def listed(directory: Path, problems: list[str]) -> list["os.DirEntry[str]"]:
    """The items of a directory; a problem, and no items, when it cannot be read."""
    try:
        with os.scandir(directory) as items:
            return list(items)
    except OSError as error:
        problems.append(f"{directory}: {error.strerror}")
        return []


def is_left_out(
    path: str, item: "os.DirEntry[str]", spec: "GitIgnoreSpec | None", skip: frozenset[Path], *, is_directory: bool
) -> bool:
    """Whether an item is `.git`, a directory that the run writes to, a directory of runs, or ignored."""
    if item.name == NEVER or path in OWN or (skip and is_directory and Path(item.path).resolve() in skip):
        return True
    return spec is not None and spec.match_file(f"{path}/" if is_directory else path)


def entry_of(source: Path, path: str, item: "os.DirEntry[str]", problems: list[str]) -> SourceEntry | None:
    """A file or a link as an entry. None, and a problem, when it cannot be part of a snapshot."""
    if item.is_symlink():
        return link_of(source, path, problems)
    try:
        status = item.stat(follow_symlinks=False)
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return None
    if not stat.S_ISREG(status.st_mode):
        problems.append(f"{path}: this is neither a file nor a directory")
        return None
    return SourceEntry(path=path, size=status.st_size, executable=bool(status.st_mode & stat.S_IXUSR))


def link_of(source: Path, path: str, problems: list[str]) -> SourceEntry | None:
    """A link inside the source, made relative. A link that leaves it would be broken in the container: a problem."""
    link = source / path
    text = str(link.readlink())
    target = os.path.normpath(link.parent.resolve() / text)
    if not link.resolve().is_relative_to(source) or not Path(target).is_relative_to(source):
        problems.append(f"{path}: this link leads to {text}, outside the source directory")
        return None
    return SourceEntry(path=path, link=os.path.relpath(target, link.parent.resolve()))
