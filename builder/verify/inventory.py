"""Lists the packages of an image from the files that package managers keep: dpkg, conda, every Python distribution.

One command in one container of its digest copies those files; everything else is read from the copy.
"""

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Literal

from builder.errors import VerifyError
from builder.host.cache import SHAPE
from builder.host.foreign_json import foreign_json
from builder.host.limits import ARCHIVE_BYTES
from builder.matrix.probes import normalised, os_release
from builder.verify.container import answer
from builder.verify.licences import is_name, of_debian, of_python

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
COPYRIGHT = re.compile(r"/usr/share/doc/([^/]+)/copyright")
SOURCE = re.compile(r"(\S+)(?: \((\S+)\))?")
PYTHON_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
COLLECT = rf"""
{{ find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -type f \( \
    -path '*.dist-info/METADATA' -o -path '*.egg-info/PKG-INFO' -o -path '*/EGG-INFO/PKG-INFO' \
    -o -name '*.egg-info' -o -path '*/conda-meta/*.json' \) -print0 2>/dev/null; \
    for file in /usr/share/doc/*/copyright; do printf '%s\0' "$file"; done; }} \
| tar --create --dereference --hard-dereference --absolute-names --no-recursion --ignore-failed-read \
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
    """The Debian source package, where its name or version is another: `glibc` or `glibc@2.36-9`."""
    licences: tuple[str, ...] = ()
    depends: tuple[tuple[str, ...], ...] = ()
    """What it needs by name; of each group, one is enough."""
    provides: tuple[str, ...] = ()


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
    texts = {name[1]: files.pop(path) for path in tuple(files) if (name := COPYRIGHT.fullmatch(path))}
    licences = {name: of_debian(text) for name, text in texts.items()}
    packages = set(debian(files.pop(STATUS, ""), licences))
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


def debian(status: str, licences: Mapping[str, tuple[str, ...]]) -> Iterator[Package]:
    """The installed packages of dpkg's status file: deb-control(5)."""
    from debian.deb822 import Deb822

    for fields in Deb822.iter_paragraphs(status.split("\n"), strict={"whitespace-separates-paragraphs": False}):
        name, version, state = (fields.get(field, "") for field in ("Package", "Version", "Status"))
        if state.split()[-1:] == ["installed"] and name and version:
            needed = ",".join(fields.get(field, "") for field in ("Pre-Depends", "Depends"))
            yield Package(
                ecosystem="deb",
                name=name,
                version=version,
                qualifiers=(("arch", fields.get("Architecture", "")),),
                source=source_of(fields.get("Source", ""), name, version),
                licences=licences.get(name, ()),
                depends=relations(needed),
                provides=tuple(one for group in relations(fields.get("Provides", "")) for one in group),
            )


def source_of(field: str, name: str, version: str) -> str:
    """The source package as package URLs name it; empty where it has the name and version of the package."""
    found = SOURCE.fullmatch(field)
    if not found:
        return ""
    other = found[2] if found[2] and found[2] != version else ""
    return f"{found[1]}@{other}" if other else found[1] if found[1] != name else ""


def relations(field: str) -> tuple[tuple[str, ...], ...]:
    """The names of a field such as `a (>= 1), b:any | c`, without versions."""
    groups = (re.findall(r"(?:^|\|)\s*([a-z0-9][a-z0-9+.-]*)", group) for group in field.split(","))
    return tuple(tuple(group) for group in groups if group)


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
            licences=tuple(name for name in [str(record.get("license") or "")] if is_name(name)),
            depends=tuple((str(one).split(" ")[0],) for one in record.get("depends") or ()),
        )
    except SHAPE:
        return


def python(path: str, text: str) -> Iterator[Package]:
    """The distribution whose METADATA or PKG-INFO this is, vendored ones too; one without a name has its path's."""
    fields = HeaderParser().parsestr(text)
    fallback = PYTHON_METADATA.sub("", path).rpartition("/")[2]
    yield Package(
        ecosystem="pypi",
        name=normalised(one_line(fields.get("Name")) or fallback) or UNNAMED,
        version=one_line(fields.get("Version")),
        path=path,
        licences=of_python(fields),
        depends=tuple(required(str(one)) for one in fields.get_all("Requires-Dist") or ()),
    )


def required(line: str) -> tuple[str, ...]:
    """The name that a Requires-Dist needs; none for what only an extra needs."""
    found = PYTHON_NAME.match(line.strip())
    return (normalised(found[0]),) if found and "extra" not in line.partition(";")[2] else ()


def one_line(value: object) -> str:
    return " ".join(str(value or "").split())


def of(packages: Iterable[Package], ecosystem: Ecosystem) -> tuple[Package, ...]:
    """The packages of one ecosystem."""
    return tuple(found for found in packages if found.ecosystem == ecosystem)
