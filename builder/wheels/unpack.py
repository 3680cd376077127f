"""Unpacks a wheel into a tree, with the same files as `pip` gives. The format of wheels: PEP 427."""

import csv
import io
import lzma
import os
import posixpath
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator
from configparser import Error as ConfigError
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import InvalidRecordEntry, RecordEntry
from installer.sources import WheelFile
from installer.utils import Scheme

from builder.errors import InputError
from builder.host.cache import SHAPE
from builder.host.temporary import is_full
from builder.wheels.entries import WHITEOUT, problems
from builder.wheels.interpreter import PYTHON
from builder.wheels.scripts import USUAL, script
from builder.wheels.tree import Tree

SHOWN = 10
BROKEN = (BadZipFile, InstallerError, InvalidRecordEntry, ConfigError, zlib.error, lzma.LZMAError, EOFError)
NAMED_AFTER_PYTHON = re.compile(r"(pip|easy_install)(-?[0-9.]+)?")
"""The scripts that `pip` names after the Python they are installed beside, whatever the wheel says."""
METADATA = {"INSTALLER": b"pip\n", "REQUESTED": b""}
NO_ROW = RecordEntry("", None, None)
"""What `installer` gets for a file that is not written; our rows are our own."""
SCHEMES = ("purelib", "platlib", "scripts", "data", "headers")


class TreeDestination(WheelDestination):
    """Where `installer` writes the files of one wheel: the tree. `template` is the text of its scripts.

    `replaced` are the files of the wheel in whose place we write our own.
    """

    def __init__(self, tree: Tree, distribution: str, template: str, replaced: set[str]) -> None:
        self.tree = tree
        self.distribution = distribution
        self.template = template
        self.rows: dict[str, RecordEntry] = {}
        self.replaced = replaced

    def write_script(self, name: str, module: str, attr: str, section: str) -> RecordEntry:  # noqa: ARG002 (the base class's)
        """Writes the script of an entry point, under each name that `pip` gives it."""
        content = script(self.template, module, attr)
        for one in names_of(name, self.tree.interpreter.python):
            entry = self.put("scripts", one, io.BytesIO(content), executable=True)
        return entry

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Writes a file of the wheel; the first line of a script names the image's Python.

        As with `pip`, a script of an entry point comes before a file of its name, and our metadata before the wheel's.
        """
        where, file = scheme_of(scheme, os.fspath(path))
        if file in self.replaced:
            self.replaced.remove(file)
            return NO_ROW
        if where == "scripts":
            if f"{self.tree.root(where, self.distribution)}/{file}" in self.rows:
                return NO_ROW
            stream = with_python(stream)
        return self.put(where, file, stream, executable=is_executable)

    def finalize_installation(
        self,
        scheme: Scheme,
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],  # noqa: ARG002 (they lack the further names of a script)
    ) -> None:
        """Writes the RECORD with the paths that the files have in the image."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(sorted(entry.to_row() for entry in self.rows.values()))
        writer.writerow((record_file_path, "", ""))
        self.put(scheme, record_file_path, io.BytesIO(text.getvalue().encode()), executable=False)

    def put(self, scheme: str, path: str, stream: BinaryIO, *, executable: bool) -> RecordEntry:
        """Writes a file below the scheme's directory.

        Raises InputError for a path outside it, and for a name that would hide files of a layer below.
        """
        root = self.tree.root(scheme, self.distribution)
        full = posixpath.normpath(posixpath.join(root, path))
        if not full.startswith(f"{root}/") or "\\" in path or any(p.startswith(WHITEOUT) for p in full.split("/")):
            raise InputError(f"{self.distribution}: its wheel holds {path!r}, which cannot be installed below {root}")
        if "/__pycache__/" in full:
            return NO_ROW  # the image's own Python compiles, and no other
        self.rows[full] = self.tree.add(full, stream, executable=executable, owner=self.distribution)
        return self.rows[full]


def names_of(script: str, python: str) -> tuple[str, ...]:
    """The names of a script of that name: those of `pip` beside Python 3.11 are pip, pip3 and pip3.11."""
    found = NAMED_AFTER_PYTHON.fullmatch(script)
    if not found:
        return (script,)
    major, minor = python.split(".")[:2]
    if found[1] == "pip":
        return "pip", f"pip{major}", f"pip{major}.{minor}"
    return "easy_install", f"easy_install-{major}.{minor}"


def with_python(stream: BinaryIO) -> BinaryIO:
    """The script with the environment's Python in its first line, where the wheel says `#!python` (PEP 427)."""
    first = stream.readline()
    if first.startswith(b"#!python"):
        first = b"#!" + PYTHON.encode() + b"\n"
    return io.BytesIO(first + stream.read())


def unpack(wheel: Path, name: str, tree: Tree, template: str = USUAL) -> None:
    """Adds the files of one wheel; raises InputError when the wheel is damaged, or a path in it leaves its place."""
    try:
        # Before installer sees the names, as one that starts with a slash puts it into an endless loop.
        if found := list(islice(problems(wheel, name, tree.interpreter.python), SHOWN)):
            raise InputError([f"{name}: its wheel {wheel.name}: {one}" for one in found])
        with WheelFile.open(wheel) as source:
            own = {f"{source.dist_info_dir}/{file}" for file in METADATA.keys() & set(source.dist_info_filenames)}
            destination = TreeDestination(tree, name, template, own)
            with warnings.catch_warnings(action="ignore"):
                install(source, destination, additional_metadata=METADATA)
    except (*SHAPE, ArithmeticError, AssertionError, NotImplementedError, RuntimeError, OSError, *BROKEN) as error:
        if is_full(error):
            raise
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{wheel.name}: not a wheel that can be installed: {why}") from None


def placed(wheel: Path, name: str, tree: Tree) -> Iterator[tuple[str, str]]:
    """The name of each file in a wheel, and the path that it gets in the image."""
    with ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                yield entry.filename, place(entry.filename, name, tree)


def place(file: str, name: str, tree: Tree) -> str:
    """The path of a wheel's file in the image: https://packaging.python.org/en/latest/specifications/binary-distribution-format/."""
    scheme, inner = scheme_of("purelib", file)
    return tree.interpreter.resolved(f"{tree.root(scheme, name)}/{inner}")


def scheme_of(scheme: str, path: str) -> tuple[str, str]:
    """The scheme and the path in it of a file; the case of the name before `.data` may be another, as pip allows."""
    first, _, rest = path.partition("/")
    inner, _, file = rest.partition("/")
    return (inner, file) if first.endswith(".data") and inner in SCHEMES else (scheme, path)
