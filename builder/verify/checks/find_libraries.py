"""Finds the libraries that ELF files need, in an image: on its Python, from 3.6 on, and never copied into it.

It reads files and executes none. The search is that of ld.so(8): RPATH or RUNPATH, LD_LIBRARY_PATH, ld.so.cache, the
default directories. A library that lies in another place below the roots counts as found, as torch loads its own before
its companions need them; the import of each module shows that. It prints one line of JSON: by library, the
files that need it and find it, and those that do not.
"""

import json
import os
import struct
import sys
from typing import IO, Dict, Iterable, Iterator, List, Optional, Tuple

Tags = Dict[int, List[str]]
"""The names in a dynamic section, by tag: elf(5)."""
CACHE = "/etc/ld.so.cache"
MAGIC = b"glibc-ld.so.cache1.1"
LOAD, DYNAMIC = 1, 2
NEEDED, STRTAB, SONAME, RPATH, RUNPATH = 1, 5, 14, 15, 29
HEADER, CLASS_64 = 64, 2
LARGEST = 1 << 20
"""Bytes of a dynamic section, or of the names that are read of a file."""


def main(roots: Iterable[str]) -> None:
    files = dict(libraries(roots))
    search = searched()
    beside = {os.path.basename(path) for path in files} | {name for one in files.values() for name in one[SONAME]}
    found: Dict[str, List[str]] = {}
    missing: Dict[str, List[str]] = {}
    for path, tags in sorted(files.items()):
        for name in tags[NEEDED]:
            is_there = name in beside or is_found(name, path, tags, search)
            (found if is_there else missing).setdefault(name, []).append(path)
    print(json.dumps({"found": found, "missing": missing}))


def libraries(roots: Iterable[str]) -> Iterator[Tuple[str, Tags]]:
    """The path and tags of each ELF file of this machine's kind that is linked dynamically."""
    for root in roots:
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                if not os.path.islink(path) and (".so" in name or os.access(path, os.X_OK)):
                    tags = dynamic(path)
                    if tags:
                        yield path, tags


def is_found(name: str, path: str, tags: Tags, search: Tuple[List[str], Dict[str, str]]) -> bool:
    if "/" in name:
        return os.path.exists(name)
    own = tags[RUNPATH] or tags[RPATH]
    directories = [expanded(one, path) for text in own for one in text.split(":")]
    places = [os.path.join(one, name) for one in (*directories, *search[0])] + [search[1].get(name, "")]
    return any(os.path.exists(one) and header(one) for one in places if one)


def expanded(directory: str, path: str) -> str:
    for origin in ("$ORIGIN", "${ORIGIN}"):
        directory = directory.replace(origin, os.path.dirname(path))
    for lib in ("$LIB", "${LIB}"):
        directory = directory.replace(lib, f"lib/{os.uname().machine}-linux-gnu")
    return directory


def searched() -> Tuple[List[str], Dict[str, str]]:
    """The directories that the loader searches for every file, and what its cache names."""
    machine = f"{os.uname().machine}-linux-gnu"
    default = ["/lib/" + machine, "/usr/lib/" + machine, "/lib", "/usr/lib", "/lib64", "/usr/lib64"]
    return [one for one in os.environ.get("LD_LIBRARY_PATH", "").split(":") if one] + default, cached()


def cached() -> Dict[str, str]:
    """The paths that ld.so.cache has by name: glibc, sysdeps/generic/dl-cache.h, `struct cache_file_new`."""
    try:
        with open(CACHE, "rb") as stream:
            content = stream.read()
    except OSError:
        return {}
    start = content.find(MAGIC)
    if start < 0:
        return {}
    count = struct.unpack_from("=I", content, start + 20)[0]
    entries = (struct.unpack_from("=iII", content, start + 48 + 24 * at) for at in range(count))
    return {text(content, start + key): text(content, start + value) for _, key, value in entries}


def text(content: bytes, at: int) -> str:
    return content[at : content.index(b"\0", at)].decode("utf-8", "replace")


def header(path: str) -> Optional[bytes]:
    """The first bytes of an ELF file that this machine can load; None for another file."""
    try:
        with open(path, "rb") as stream:
            first = stream.read(HEADER)
    except OSError:
        return None
    return first if len(first) == HEADER and first[:6] == NATIVE[:6] and first[18:20] == NATIVE[18:20] else None


def dynamic(path: str) -> Optional[Tags]:
    """The names that the dynamic section has by tag; None for a file without one, or with one that is damaged."""
    first = header(path)
    try:
        return read(path, first) if first else None
    except (IndexError, OSError, OverflowError, ValueError, struct.error):
        return None


def read(path: str, first: bytes) -> Optional[Tags]:
    """The tags of a file: elf(5), Elf64_Phdr and Elf64_Dyn, or those of 32 bits."""
    is_64 = first[4] == CLASS_64
    order = "<" if first[5] == 1 else ">"
    start = struct.unpack_from(order + ("Q" if is_64 else "I"), first, 32 if is_64 else 28)[0]
    size, count = struct.unpack_from(order + "HH", first, 54 if is_64 else 42)
    with open(path, "rb") as stream:
        stream.seek(start)
        table = stream.read(size * count)
        headers = [segment(table, at * size, order, is_64) for at in range(count)]
        section = [(offset, length) for kind, offset, _, length in headers if kind == DYNAMIC]
        if not section:
            return None
        stream.seek(section[0][0])
        pairs = list(struct.iter_unpack(order + ("qQ" if is_64 else "iI"), part(stream, section[0][1], is_64)))
        names = [value for tag, value in pairs if tag == STRTAB]
        places = [
            offset + names[0] - at
            for kind, offset, at, length in headers
            if kind == LOAD and at <= names[0] < at + length
        ]
        return {
            tag: [named(stream, places[0] + value) for one, value in pairs if one == tag]
            for tag in (NEEDED, SONAME, RPATH, RUNPATH)
        }


def part(stream: IO[bytes], length: int, is_64: bool) -> bytes:
    return stream.read(min(length, LARGEST) // (16 if is_64 else 8) * (16 if is_64 else 8))


def segment(table: bytes, at: int, order: str, is_64: bool) -> Tuple[int, int, int, int]:
    """The kind, offset, address and length in the file of a program header."""
    if is_64:
        kind, _, offset, address, _, length = struct.unpack_from(order + "IIQQQQ", table, at)
    else:
        kind, offset, address, _, length = struct.unpack_from(order + "IIIII", table, at)
    return kind, offset, address, length


def named(stream: IO[bytes], at: int) -> str:
    stream.seek(at)
    return stream.read(4096).split(b"\0")[0].decode("utf-8", "replace")


with open(sys.executable, "rb") as interpreter:
    NATIVE = interpreter.read(64)
