"""Judges what could not be imported or found. What cannot work by design is in `expected_failures.yaml`, with why.

An entry holds only for what it names. It fails as soon as the module is imported, or the library found, and never
covers a distribution that the row pins.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml
from packaging.requirements import Requirement

from builder.matrix.probes import normalised

FILE = Path(__file__).with_suffix(".yaml")
LIBRARY = re.compile(r"\b(lib[A-Za-z0-9_.+-]+\.so(\.[0-9]+)*)")
SHOWN = 3


class ImportOf(NamedTuple):
    """One module of a distribution, and the error of its import; empty for none."""

    distribution: str
    version: str
    module: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFailure:
    """A module that cannot be imported: `of` is a requirement, `error` the beginning of what the import says."""

    module: str
    of: Requirement
    error: str
    reason: str

    def covers(self, found: ImportOf) -> bool:
        return (
            self.module == found.module
            and normalised(self.of.name) == normalised(found.distribution)
            and self.of.specifier.contains(found.version, prereleases=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFailure:
    """A library that files, by a glob, need and an image lacks; a driver's is there where a GPU is."""

    soname: str
    files: str
    reason: str
    is_of_driver: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All of the file."""

    modules: tuple[ModuleFailure, ...]
    libraries: tuple[LibraryFailure, ...]


@functools.cache
def known() -> Known:
    """The entries of `expected_failures.yaml`."""
    content = yaml.safe_load(FILE.read_text("utf-8"))
    modules = [ModuleFailure(**{**one, "of": Requirement(one["of"])}) for one in content["modules"]]
    libraries = [LibraryFailure(**one) for one in content["libraries"]]
    return Known(modules=tuple(modules), libraries=tuple(libraries))


def of_modules(found: Sequence[ImportOf], expected: Sequence[ModuleFailure], pins: Mapping[str, str]) -> list[str]:
    """One problem for each module that is not imported, and for each entry that is not needed any more."""
    pinned = {normalised(name) for name in pins}
    return [text for one in found for text in of_module(one, expected, is_pin=normalised(one.distribution) in pinned)]


def of_module(found: ImportOf, expected: Sequence[ModuleFailure], *, is_pin: bool) -> Iterator[str]:
    entry = next((one for one in expected if one.covers(found)), None)
    if entry and not found.error:
        yield f"{found.module} is imported: delete its entry in {FILE.name}"
    elif found.error and (entry is None or is_pin or not found.error.startswith(entry.error)):
        yield f"{found.distribution} {found.version}: import {found.module}: {found.error}{package_in(found.error)}"


def package_in(error: str) -> str:
    library = LIBRARY.search(error) if "cannot open shared object file" in error else None
    return f" (Debian's package of it is called {package_of(library[1])})" if library else ""


def of_libraries(
    missing: Mapping[str, Sequence[str]],
    there: Mapping[str, Sequence[str]],
    expected: Sequence[LibraryFailure],
    *,
    has_driver: bool,
) -> list[str]:
    """One problem for each library that is missing, and for each entry that is not needed any more."""
    problems = []
    for soname, files in sorted(missing.items()):
        globs = [one.files for one in expected if one.soname == soname]
        if left := [file for file in files if not any(fnmatchcase(file, glob) for glob in globs)]:
            more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
            needed = f"{soname}, which {', '.join(left[:SHOWN])}{more} needs, is not in the image"
            problems.append(f"{needed} (Debian's package of it is called {package_of(soname)})")
    lasting = [one for one in expected if not (one.is_of_driver and has_driver)]
    return problems + [
        f"{one.soname} is found: delete its entry in {FILE.name}"
        for one in lasting
        if any(fnmatchcase(file, one.files) for file in there.get(one.soname, ()))
    ]


def package_of(library: str) -> str:
    """The package's name by Debian's rule for shared libraries (Policy 8.1): libGL.so.1 is in libgl1."""
    stem, _, version = PurePosixPath(library).name.partition(".so")
    version = version.lstrip(".")
    between = "-" if version and stem[-1:].isdigit() else ""
    return f"{stem}{between}{version}".replace("_", "-").lower()
