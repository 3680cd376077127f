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
FIELDS = (b"Package", b"Version", b"Depends", b"Pre-Depends")
EXACT = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]*)(:[a-z0-9]+)? \(= (?P<version>[^()\s]+)\)")
OPEN: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda stream: cast("IO[bytes]", gzip.open(stream)),  # noqa: SIM115 (only bytes are open)
    ".xz": lambda stream: cast("IO[bytes]", lzma.open(stream)),  # noqa: SIM115 (the same)
    "": lambda stream: stream,
}
"""How the forms of a Packages file are read, by their endings."""
Versions = dict[str, dict[str, str]]
"""The versions of each package, and what each depends on."""


def of_archive(archive: Archive, names: Collection[str], site: Site) -> Versions:
    """The versions of these packages in an archive of a distribution; raises BuilderError, ValueError."""
    found: Versions = {}
    for component in archive.components.split():
        url = f"{archive.uri}/dists/{archive.suite}/{component}/binary-{architecture()}"
        for name, versions in listed(url, names, site).items():
            found.setdefault(name, {}).update(versions)
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
    try:
        for stanza in stanzas(stream):
            if (name := stanza.get("Package", "")) in names and "Version" in stanza:
                depends = (stanza.get(field, "") for field in ("Pre-Depends", "Depends"))
                found.setdefault(name, {})[stanza["Version"]] = ", ".join(depends)
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"a damaged Packages file: {error}") from None
    return found


def stanzas(stream: IO[bytes]) -> Iterator[dict[str, str]]:
    """The packages in a Packages file, as they come, with the fields that matter here."""
    size, found = 0, dict[str, str]()
    while line := stream.readline(1 << 16):
        size += len(line)
        if size > LARGEST:
            raise ValueError(f"larger than {LARGEST:,} bytes")
        field, _, value = line.partition(b":")
        if field in FIELDS:
            found[field.decode()] = value.strip().decode("utf-8", "replace")
        elif not line.strip():
            yield found
            found = {}
    yield found


def exact(depends: str) -> Iterator[tuple[str, str]]:
    """The packages that are needed in one version alone, such as `libnccl2 (= 2.4.8-1+cuda10.1)`, as pairs."""
    for match in filter(None, (EXACT.fullmatch(one.strip()) for one in depends.split(","))):
        yield match["name"], match["version"]


def release(url: str, site: Site) -> None:
    """Ask for the signed index at a URL, in either of its forms; raises BuilderError, also when it is none."""
    for name in ("InRelease", "Release"):
        content = package_index.get(f"{url}/{name}", site, policy=QUICK)
        if content is not None:
            apt_sources.released(content.decode("utf-8", "replace"))
            return
    raise GoneError("it has no Release file")
