"""Unpacks wheels into the tar of a layer, with the same files as pip would give, and always the same bytes.

The tar holds no time, owner or order of this host. The format of wheels: PEP 427. How a layer removes a file of a
layer below: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts.
"""

import base64
import csv
import hashlib
import io
import lzma
import os
import posixpath
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable
from configparser import Error as ConfigError
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO
from zipfile import BadZipFile

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import Hash, InvalidRecordEntry, RecordEntry
from installer.scripts import Script
from installer.sources import WheelFile
from installer.utils import Scheme

from builder.derive.wheel_entries import WHITEOUT, problems
from builder.errors import InputError
from builder.host.cache import SHAPE
from builder.host.temporary import is_full

ENVIRONMENT = "/opt/env"
PYTHON = f"{ENVIRONMENT}/bin/python"
EPOCH = 315_532_800
"""1980-01-01 in Unix seconds, the oldest time that a zip file can hold."""
IN_MEMORY = 64 << 20
EXECUTABLE, READABLE = 0o755, 0o644
PTH_BYTES = 64 << 10
"""A longer `.pth` is cut, and so is not one of those that are known."""
SHOWN = 10
BROKEN = (BadZipFile, InstallerError, InvalidRecordEntry, ConfigError, zlib.error, lzma.LZMAError, EOFError)


@dataclass(slots=True, kw_only=True)
class Tree:
    """The tar being written, its paths with the distribution of each, and the directories already written.

    `python` is the version of the image's Python, such as 3.11.2.
    """

    tar: tarfile.TarFile
    site_packages: str
    python: str
    paths: dict[str, str] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    starts: dict[str, str] = field(default_factory=dict)
    """The text of each `.pth`, which Python reads when it starts."""

    def root(self, scheme: str, distribution: str) -> str:
        """The directory for a part of a wheel; `scheme` is a name of sysconfig's, such as `purelib` or `scripts`."""
        include = f"{ENVIRONMENT}/include/site/python{'.'.join(self.python.split('.')[:2])}/{distribution}"
        return {
            "purelib": self.site_packages,
            "platlib": self.site_packages,
            "scripts": f"{ENVIRONMENT}/bin",
            "data": ENVIRONMENT,
            "headers": include,
        }[scheme]

    def add(self, path: str, stream: BinaryIO, *, executable: bool, owner: str) -> RecordEntry:
        """Writes a file and returns its line for RECORD; raises InputError when another distribution has that path."""
        self.claim(path, owner)
        self.enter(posixpath.dirname(path))
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as content:
            shutil.copyfileobj(stream, content)
            entry = self.entry(path)
            entry.size, entry.mode = content.tell(), EXECUTABLE if executable else READABLE
            content.seek(0)
            total = hashlib.file_digest(content, "sha256")
            content.seek(0)
            self.tar.addfile(entry, content)
            self.note(path, content, entry.size)
        told = base64.urlsafe_b64encode(total.digest()).rstrip(b"=").decode()
        return RecordEntry(posixpath.relpath(path, self.site_packages), Hash("sha256", told), entry.size)

    def claim(self, path: str, owner: str) -> None:
        """Remember whose path it is; raises InputError when it is another distribution's."""
        if (other := self.paths.setdefault(path, owner)) != owner:
            raise InputError(f"{owner} and {other} both hold {path}", hint="the same command with one of the two")

    def note(self, path: str, content: IO[bytes], size: int) -> None:
        """Remember that a file is empty, or what a `.pth` says."""
        if not size:
            self.empty.add(path)
        if path.endswith(".pth"):
            content.seek(0)
            self.starts[path] = content.read(PTH_BYTES).decode("utf-8", "replace")

    def enter(self, directory: str) -> None:
        """Writes the directory and its parents below site-packages, once each.

        Directories that the image has are not written, as the layer would change their owner and mode.
        """
        if directory in self.directories or directory in (ENVIRONMENT, self.site_packages, f"{ENVIRONMENT}/bin"):
            return
        self.directories.add(directory)
        if not directory.startswith(f"{self.site_packages}/"):
            return
        self.enter(posixpath.dirname(directory))
        entry = self.entry(directory)
        entry.type, entry.mode = tarfile.DIRTYPE, EXECUTABLE
        self.tar.addfile(entry)

    def remove(self, path: str) -> None:
        """Writes the whiteout that hides a file of a layer below."""
        directory, name = posixpath.split(path)
        entry = self.entry(f"{directory}/{WHITEOUT}{name}")
        entry.mode = READABLE
        self.tar.addfile(entry)

    def link(self, path: str, target: str, *, owner: str) -> None:
        """Writes a symbolic link."""
        self.claim(path, owner)
        entry = self.entry(path)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self.tar.addfile(entry)

    def entry(self, path: str) -> tarfile.TarInfo:
        found = tarfile.TarInfo(path.lstrip("/"))
        found.mtime, found.uname, found.gname = EPOCH, "", ""
        return found


class TreeDestination(WheelDestination):
    """Where `installer` writes the files of one wheel: the tree."""

    def __init__(self, tree: Tree, distribution: str) -> None:
        self.tree = tree
        self.distribution = distribution

    def write_script(self, name: str, module: str, attr: str, section: str) -> RecordEntry:
        """Writes the script of an entry point."""
        own, content = Script(name, module, attr, section).generate(PYTHON, "posix")  # type: ignore[arg-type]
        return self.put("scripts", own, io.BytesIO(content), executable=True)

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Writes a file of the wheel; the first line of a script names the image's Python."""
        if scheme == "scripts":
            stream = with_python(stream)
        return self.put(scheme, os.fspath(path), stream, executable=is_executable or scheme == "scripts")

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Writes the RECORD with the paths that the files have in the image."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(sorted(entry.to_row() for _, entry in records))
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
        return self.tree.add(full, stream, executable=executable, owner=self.distribution)


def with_python(stream: BinaryIO) -> BinaryIO:
    """The script with the environment's Python in its first line, where the wheel says `#!python` (PEP 427)."""
    first = stream.readline()
    if first.startswith(b"#!python"):
        first = b"#!" + PYTHON.encode() + b"\n"
    return io.BytesIO(first + stream.read())


def unpack(wheel: Path, name: str, tree: Tree) -> None:
    """Adds the files of one wheel; raises InputError when the wheel is damaged, or a path in it leaves its place."""
    try:
        # Before installer sees the names, as one that starts with a slash puts it into an endless loop.
        if found := list(islice(problems(wheel, name, tree.python), SHOWN)):
            raise InputError([f"{name}: its wheel {wheel.name}: {one}" for one in found])
        with WheelFile.open(wheel) as source:
            install(source, TreeDestination(tree, name), additional_metadata={"INSTALLER": b"framework-images\n"})
    except (*SHAPE, ArithmeticError, AssertionError, NotImplementedError, RuntimeError, OSError, *BROKEN) as error:
        if is_full(error):
            raise
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{wheel.name}: not a wheel that can be installed: {why}") from None
