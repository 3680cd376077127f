"""Shared libraries for readers of ELF files: a header, a dynamic section and its names, and nothing to execute."""

import struct
from collections.abc import Iterable
from pathlib import Path

NEEDED, STRTAB, SONAME, RPATH, RUNPATH = 1, 5, 14, 15, 29
X86_64 = 62
HEADER, PROGRAM = 64, 56


def write_library(
    path: Path, *, needed: Iterable[str] = (), runpath: str = "", soname: str = "", machine: int = X86_64
) -> Path:
    """Write a library of 64 bits that needs others, and searches them where `runpath` says."""
    names, tags = b"\0", []
    for tag, name in [*((NEEDED, one) for one in needed), (RUNPATH, runpath), (SONAME, soname)]:
        if name:
            tags.append((tag, len(names)))
            names += name.encode() + b"\0"
    start = HEADER + 2 * PROGRAM
    size = 16 * (len(tags) + 2)
    dynamic = b"".join(struct.pack("<qQ", *one) for one in [*tags, (STRTAB, start + size), (0, 0)])
    whole = start + len(dynamic) + len(names)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, HEADER, 0, 0, HEADER, PROGRAM, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, whole, whole, 4096)
    section = struct.pack("<IIQQQQQQ", 2, 6, start, start, start, len(dynamic), len(dynamic), 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + load + section + dynamic + names)
    return path
