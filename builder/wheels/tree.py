"""The files that wheels become, in the tars of one layer or of several: always the same bytes.

A tar holds no time, owner or order of this host. How a layer removes a file of a layer below:
https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts.
"""

import base64
import hashlib
import io
import os
import posixpath
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, BinaryIO

from installer.records import Hash, RecordEntry

from builder.errors import InputError
from builder.matrix.spec import EPOCH
from builder.wheels.blob import Sink
from builder.wheels.entries import WHITEOUT
from builder.wheels.interpreter import ENVIRONMENT, Directory, Interpreter
from builder.wheels.namespaces import LARGEST, is_namespace

OTHER_VERSION = "the same command without that package, or with another version of it"
IN_MEMORY = 64 << 20
CHUNK = 1 << 20
EXECUTABLE, READABLE = 0o755, 0o644
PTH_BYTES = 64 << 10
"""A longer `.pth` is cut, and so is not one of those that are known."""
Compiled = Callable[[str], bytes | None]
"""Gives the byte code of the source at a path of the image, or None."""


def compiled_nowhere(_: str) -> None:
    """No byte code: Python then compiles what it imports."""


@dataclass(slots=True, kw_only=True)
class Tree:
    """The tars being written, and each path in them with the distribution it is of.

    `part` gives the number of the tar for a path.
    """

    tars: Sequence[Sink]
    interpreter: Interpreter
    part: Callable[[str], int] = lambda _: 0
    compiled: Compiled = compiled_nowhere
    paths: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    namespaces: dict[str, set[str]] = field(default_factory=dict)
    """The hashes of the files that declare a namespace, by path. Of several, the first stays."""
    folders: dict[str, str] = field(default_factory=dict)
    """The directories above all paths, each with a distribution that needs it."""
    empty: set[str] = field(default_factory=set)
    starts: dict[str, str] = field(default_factory=dict)
    """The text of each `.pth`, which Python reads when it starts."""

    @property
    def site_packages(self) -> str:
        return self.interpreter.site_packages

    def root(self, scheme: str, distribution: str) -> str:
        """The directory for a part of a wheel; `scheme` is a name of sysconfig's, such as `purelib` or `scripts`."""
        short = ".".join(self.interpreter.python.split(".")[:2])
        return {
            "purelib": self.site_packages,
            "platlib": self.site_packages,
            "scripts": f"{ENVIRONMENT}/bin",
            "data": ENVIRONMENT,
            "headers": f"{ENVIRONMENT}/include/site/python{short}/{distribution}",
        }[scheme]

    def add(self, path: str, stream: BinaryIO, *, executable: bool, owner: str) -> RecordEntry:
        """Writes a file, and the byte code of a source; returns the file's line for RECORD.

        Raises InputError when another distribution has that path with other content.
        """
        place = self.interpreter.resolved(path)
        with content_of(stream) as content:
            size = content.seek(0, os.SEEK_END)
            content.seek(0)
            total = hashlib.file_digest(content, "sha256")
            content.seek(0)
            if is_namespace(place, content.read(LARGEST + 1)):
                self.namespaces.setdefault(place, set()).add(total.hexdigest())
            if self.claim(place, owner, total.hexdigest()):
                self.write(place, content, size, EXECUTABLE if executable else READABLE)
                self.note(place, content, size)
                if code := self.compiled(place):
                    beside = self.interpreter.byte_code(place)
                    self.write(beside, io.BytesIO(code), len(code), READABLE, self.part(place))
        told = base64.urlsafe_b64encode(total.digest()).rstrip(b"=").decode()
        return RecordEntry(posixpath.relpath(path, self.site_packages), Hash("sha256", told), size)

    def write(self, path: str, content: IO[bytes], size: int, mode: int, part: int | None = None) -> None:
        """Writes a file to a tar: that of its path, unless another is named."""
        tar = self.tars[self.part(path) if part is None else part]
        self.enter(posixpath.dirname(path), tar)
        entry = entry_of(path)
        entry.size, entry.mode = size, mode
        content.seek(0)
        tar.add(entry, iter(partial(content.read, CHUNK), b""))

    def claim(self, path: str, owner: str, content: str) -> bool:
        """Remember whose path it is; whether it is new. Raises InputError when it is there with other content."""
        if path in self.interpreter.links:
            text = f"{owner} would put a file in the place of the link {path} of the environment"
            raise InputError(text, hint=OTHER_VERSION)
        if path not in self.paths:
            self.assert_no_directory(path, owner)
            self.paths[path], self.hashes[path] = owner, content
            return True
        if self.hashes[path] != content and not {self.hashes[path], content} <= self.namespaces.get(path, set()):
            hint = "the same command with one of the two"
            raise InputError(f"{owner} and {self.paths[path]} both hold {path}, with other content", hint=hint)
        return False

    def assert_no_directory(self, path: str, owner: str) -> None:
        """Raise InputError where one path would be a file and a directory."""
        above = [one for one in parents(path) if one in self.paths]
        if above or path in self.folders:
            other = self.paths[above[0]] if above else self.folders[path]
            text = f"{owner} and {other}: {path} would be below a file, or in the place of a directory"
            raise InputError(text, hint=OTHER_VERSION)
        for one in parents(path):
            self.folders.setdefault(one, owner)

    def note(self, path: str, content: IO[bytes], size: int) -> None:
        """Remember that a file is empty, or what a `.pth` says."""
        if not size:
            self.empty.add(path)
        if path.endswith(".pth"):
            content.seek(0)
            self.starts[path] = content.read(PTH_BYTES).decode("utf-8", "replace")

    def enter(self, path: str, tar: Sink) -> None:
        """Writes a directory and its parents, once each in a tar, with the mode and owner that they have below."""
        if path in tar.directories or path == "/":
            return
        self.enter(posixpath.dirname(path), tar)
        tar.directories.add(path)
        found = self.interpreter.directories.get(path, Directory())
        entry = entry_of(path)
        entry.type, entry.mode = tarfile.DIRTYPE, found.mode
        entry.uid, entry.gid = found.user, found.group
        tar.add(entry)

    def remove(self, path: str) -> None:
        """Writes the whiteout that hides a file of a layer below."""
        directory, name = posixpath.split(path)
        entry = entry_of(f"{directory}/{WHITEOUT}{name}")
        entry.mode = READABLE
        self.tars[0].add(entry)

    def link(self, path: str, target: str, *, owner: str) -> None:
        """Writes a symbolic link; raises InputError when the path is there already."""
        self.claim(path, owner, f"-> {target}")
        self.enter(posixpath.dirname(path), self.tars[0])
        entry = entry_of(path)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self.tars[0].add(entry)


def parents(path: str) -> Iterator[str]:
    """The directories above a path, without the root."""
    while (path := posixpath.dirname(path)) not in ("", "/"):
        yield path


def content_of(stream: BinaryIO) -> tempfile.SpooledTemporaryFile[bytes]:
    """The content of a stream, to be read more than once: in memory, or on disk where it is large."""
    content = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed by the caller)
    shutil.copyfileobj(stream, content, CHUNK)
    return content


def entry_of(path: str) -> tarfile.TarInfo:
    found = tarfile.TarInfo(path.lstrip("/"))
    found.mtime, found.uname, found.gname = EPOCH, "", ""
    return found
