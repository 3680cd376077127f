"""Finds the paths that two wheels of a row hold with other content, before anything is built."""

from collections.abc import Iterator, Mapping
from configparser import Error as ConfigError
from pathlib import Path
from zipfile import ZipFile
from zlib import crc32

from installer.utils import parse_entrypoints

from builder.errors import InputError
from builder.wheels.interpreter import Interpreter
from builder.wheels.namespaces import LARGEST, is_namespace
from builder.wheels.tree import Tree, parents
from builder.wheels.unpack import placed

Content = tuple[int, int, bool]
"""The checksum and size that the wheel states, and whether the file only declares a namespace."""


def assert_agreeing(files: Mapping[str, Path], found: Interpreter) -> None:
    """Raise InputError for each path that two wheels hold with other content; `files` are by distribution."""
    tree, known, problems = Tree(tars=(), interpreter=found), dict[str, tuple[str, Content]](), list[str]()
    for name, wheel in sorted(files.items()):
        for path, content in contents(wheel, name, tree):
            other, before = known.setdefault(path, (name, content))
            if other != name and content != before and not (content[2] and before[2]):
                problems.append(f"{name} and {other} both hold {path}, with other content")
    for path, (name, _) in known.items():
        if above := next((one for one in parents(path) if one in known), None):
            problems.append(f"{name} holds {path}, below {above}, which is a file of {known[above][0]}")
    if problems:
        raise InputError(problems, hint="pin a version of one that does not, then python -m builder lock")


def contents(wheel: Path, name: str, tree: Tree) -> Iterator[tuple[str, Content]]:
    """The path that each file of a wheel gets in the image, and its content in short."""
    with ZipFile(wheel) as archive:
        for file, path in placed(wheel, name, tree):
            entry = archive.getinfo(file)
            is_small = path.endswith("/__init__.py") and entry.file_size <= LARGEST
            yield path, (entry.CRC, entry.file_size, is_small and is_namespace(path, archive.read(entry)))
            if path.endswith(".dist-info/entry_points.txt"):
                yield from scripts(archive.read(entry).decode("utf-8", "replace"), tree, name)


def scripts(text: str, tree: Tree, name: str) -> Iterator[tuple[str, Content]]:
    """The path of each script of an entry point, and what it calls; none where the text is damaged."""
    try:
        found = list(parse_entrypoints(text))
    except (ConfigError, ValueError, AssertionError):
        return
    for script, module, attribute, _ in found:
        yield f"{tree.root('scripts', name)}/{script}", (crc32(f"{module}:{attribute}".encode()), -1, False)
