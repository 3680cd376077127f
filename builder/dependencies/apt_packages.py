"""Which versions of some packages an apt repository lists, read from its Packages file and not from apt."""

import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import IO, cast

from builder.dependencies import package_index
from builder.dependencies.source import QUICK, GoneError
from builder.host import apt_sources
from builder.host.apt_sources import Archive
from builder.host.architecture import architecture
from builder.host.site import Site

LARGEST = 500_000_000
"""In bytes, unpacked: Debian's main has 50 million."""
FIELD = re.compile(rb"(Package|Version): (\S+)\s*")
OPEN: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda stream: cast("IO[bytes]", gzip.open(stream)),  # noqa: SIM115 (only bytes are open)
    ".xz": lambda stream: cast("IO[bytes]", lzma.open(stream)),  # noqa: SIM115 (the same)
    "": lambda stream: stream,
}
"""How the forms of a Packages file are read, by their endings."""
Versions = dict[str, set[str]]


def of_archive(archive: Archive, names: Collection[str], site: Site) -> Versions:
    """The versions of these packages in an archive of a distribution; raises BuilderError, ValueError."""
    found: Versions = {}
    for component in archive.components.split():
        url = f"{archive.uri}/dists/{archive.suite}/{component}/binary-{architecture()}"
        for name, versions in listed(url, names, site).items():
            found.setdefault(name, set()).update(versions)
    return found


def listed(url: str, names: Collection[str], site: Site) -> Versions:
    """The versions of these packages in the Packages file below a URL; raises BuilderError, OSError, ValueError."""
    for ending, opened in OPEN.items():
        content = package_index.get(f"{url}/Packages{ending}", site, policy=QUICK)
        if content is not None:
            return versions(opened(io.BytesIO(content)), names)
    raise GoneError(f"{url}: it has no Packages file")


def versions(stream: IO[bytes], names: Collection[str]) -> Versions:
    """The versions of these packages in a Packages file; raises ValueError for one that is damaged or huge."""
    found: Versions = {}
    name = ""
    try:
        for field, value in fields(stream):
            if field == "Package":
                name = value
            elif name in names:
                found.setdefault(name, set()).add(value)
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"a damaged Packages file: {error}") from None
    return found


def fields(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """The names and versions in a Packages file, as they come."""
    size = 0
    while line := stream.readline(1 << 16):
        size += len(line)
        if size > LARGEST:
            raise ValueError(f"larger than {LARGEST:,} bytes")
        if match := FIELD.fullmatch(line):
            yield match[1].decode(), match[2].decode("utf-8", "replace")


def release(url: str, site: Site) -> None:
    """Ask for the signed index at a URL, in either of its forms; raises BuilderError, also when it is none."""
    for name in ("InRelease", "Release"):
        content = package_index.get(f"{url}/{name}", site, policy=QUICK)
        if content is not None:
            apt_sources.released(content.decode("utf-8", "replace"))
            return
    raise GoneError("it has no Release file")
