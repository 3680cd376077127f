"""Lists the packages of an image from the files that package managers keep: dpkg, conda, every Python distribution.

One command in one container of its digest copies those files; everything else is read from the copy.
"""

import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Literal

from builder.errors import VerifyError
from builder.host.cache import SHAPE
from builder.host.foreign_json import foreign_json
from builder.host.limits import ARCHIVE_BYTES
from builder.matrix.probes import normalised, os_release
from builder.verify.container import answer

if TYPE_CHECKING:
    import docker

Ecosystem = Literal["deb", "conda", "pypi"]
STATUS = "/var/lib/dpkg/status"
OS_RELEASE = "/etc/os-release"
PYTHON_METADATA = re.compile(r"\.dist-info/METADATA$|(\.egg-info|EGG-INFO)/PKG-INFO$|\.egg-info$")
CONDA_RECORD = re.compile(r"/conda-meta/[^/]+\.json$")
UNNAMED = "unnamed"
SLACK = 1_000
"""Bytes of the shell's own. An archive that is cut at its limit is then read, and refused."""
LICENCE_CHARACTERS = 100
"""A longer License field is the licence's text, not its name."""
COLLECT = rf"""
find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -type f \( \
    -path '*.dist-info/METADATA' -o -path '*.egg-info/PKG-INFO' -o -path '*/EGG-INFO/PKG-INFO' \
    -o -name '*.egg-info' -o -path '*/conda-meta/*.json' \) -print0 2>/dev/null \
| tar --create --dereference --absolute-names --no-recursion --ignore-failed-read \
    --null --files-from=- {OS_RELEASE} {STATUS} 2>/dev/null | head -c {ARCHIVE_BYTES}
"""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Package:
    """One installed package; `path` is where its metadata is, empty where one file lists them all."""

    ecosystem: Ecosystem
    name: str
    version: str
    path: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    source: str = ""
    """The Debian source package, where its name is another."""
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything found in an image, sorted; `os_id` and `os_version` as in os-release(5)."""

    os_id: str
    os_version: str
    packages: tuple[Package, ...]


def inventory(client: "docker.DockerClient", digest: str) -> Inventory:
    """The packages that dpkg, conda and Python installed in the image; raises VerifyError or EngineError."""
    archive = answer(client, digest, COLLECT, user="0", limit=ARCHIVE_BYTES + SLACK).stdout_bytes
    if not archive:
        raise VerifyError(f"{digest}: tar or find is missing in the image, so its packages cannot be listed")
    return read(archive)


def read(archive: bytes) -> Inventory:
    """The inventory from a tar archive of those files; raises VerifyError when it is cut short or incomplete."""
    try:
        files = dict(members(archive))
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise VerifyError(f"the image's package records cannot be read: {error}") from None
    if OS_RELEASE not in files:
        raise VerifyError(f"the image has no {OS_RELEASE}, so nothing says what its packages belong to")
    found = os_release(files.pop(OS_RELEASE))
    packages = set(debian(files.pop(STATUS, "")))
    for path, text in files.items():
        packages.update(conda(text) if CONDA_RECORD.search(path) else python(path, text))
    return Inventory(
        os_id=found.get("ID", ""), os_version=found.get("VERSION_ID", ""), packages=tuple(sorted(packages))
    )


def members(archive: bytes) -> Iterator[tuple[str, str]]:
    """The absolute path and text of each regular file; whatever bytes a name has, it comes out as UTF-8."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream:
                name = member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                yield "/" + name.lstrip("/"), stream.read().decode("utf-8", "replace")


def debian(status: str) -> Iterator[Package]:
    """The installed packages of dpkg's status file: deb-control(5)."""
    from debian.deb822 import Deb822

    for fields in Deb822.iter_paragraphs(status.split("\n"), strict={"whitespace-separates-paragraphs": False}):
        name, version, state = (fields.get(field, "") for field in ("Package", "Version", "Status"))
        if state.split()[-1:] == ["installed"] and name and version:
            source = fields.get("Source", "").split(" ")[0]
            yield Package(
                ecosystem="deb",
                name=name,
                version=version,
                qualifiers=(("arch", fields.get("Architecture", "")),),
                source=source if source != name else "",
            )


def conda(text: str) -> Iterator[Package]:
    """The package of a record in conda-meta; a channel is named without its URL, which may hold a token."""
    try:
        record = foreign_json(text)
        channel, subdir = str(record.get("channel", "")), str(record.get("subdir", ""))
        parts = {
            "build": str(record["build"]),
            "channel": channel.removesuffix("/").removesuffix(f"/{subdir}").rpartition("/")[2],
            "subdir": subdir,
        }
        yield Package(
            ecosystem="conda",
            name=str(record["name"]),
            version=str(record["version"]),
            qualifiers=tuple(sorted((name, value) for name, value in parts.items() if value)),
        )
    except SHAPE:
        return


def python(path: str, text: str) -> Iterator[Package]:
    """The distribution whose METADATA or PKG-INFO this is, vendored ones too; one without a name has its path's."""
    fields = HeaderParser().parsestr(text)
    fallback = PYTHON_METADATA.sub("", path).rpartition("/")[2]
    licence = str(fields.get("License-Expression") or fields.get("License") or "").strip()
    yield Package(
        ecosystem="pypi",
        name=normalised(one_line(fields.get("Name")) or fallback) or UNNAMED,
        version=one_line(fields.get("Version")),
        path=path,
        licence="" if "\n" in licence or len(licence) > LICENCE_CHARACTERS or licence == "UNKNOWN" else licence,
    )


def one_line(value: object) -> str:
    return " ".join(str(value or "").split())


def of(packages: Iterable[Package], ecosystem: Ecosystem) -> tuple[Package, ...]:
    """The packages of one ecosystem."""
    return tuple(found for found in packages if found.ecosystem == ecosystem)
