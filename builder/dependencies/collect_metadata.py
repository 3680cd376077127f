"""Reads what locked distributions require, from the index or from a directory of wheels."""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from builder.dependencies import package_index, resolve
from builder.dependencies.lockfile import Lock, key
from builder.dependencies.metadata import extras_asked, parse, requires_txt, without_unused_extras
from builder.dependencies.package_index import File, Remote
from builder.dependencies.wheel_tags import tags
from builder.errors import BuilderError
from builder.host.site import Site, redact
from builder.matrix.spec import Distribution, ImageSpec, Metadata
from builder.matrix.version import is_version

AT_ONCE = 8
WHOLE_BYTES = 4_000_000
"""In bytes. A wheel up to this size is read whole and its sha256 checked; of a larger one only the metadata is read."""


def documented(cells: Iterable[ImageSpec]) -> dict[str, ImageSpec]:
    """The documented distributions that no cell uses, each with a cell on its platform."""
    pins = [(pin, spec) for spec in cells for pin in spec.pins if pin.probe == "python-distribution"]
    return {
        key(pin.name, pin.documented): spec
        for pin, spec in reversed(pins)
        if pin.documented and is_version(pin.documented)
    }


def collect(lock: Lock, cells: Iterable[ImageSpec], site: Site) -> dict[str, Metadata]:
    """The metadata of all locked and documented distributions; what is known is not asked again.

    A name is missing from the result when neither its wheel nor its sdist says what it requires. Raises BuilderError.
    """
    locked = {key(d.name, d.version): d for closure in lock.closures.values() for d in closure.distributions}
    wanted: dict[str, Distribution | ImageSpec] = {**documented(cells), **locked}
    found = {name: lock.requirements[name] for name in wanted if name in lock.requirements}
    found |= read_all({name: what for name, what in wanted.items() if name not in found}, site)
    # The lock has no requirements of extras that nothing asked for until now.
    while new := {name for name, _ in extras_asked(found) - extras_asked(lock.requirements)}:
        again = {name: what for name, what in wanted.items() if name.partition("==")[0] in new}
        read = read_all(again, site)
        if all(found.get(name) == one for name, one in read.items()):
            break
        found |= read
    return without_unused_extras(found)


def read_all(wanted: Mapping[str, Distribution | ImageSpec], site: Site) -> dict[str, Metadata]:
    """The metadata by name, read a few at a time; a distribution without metadata is left out."""
    indexes = package_index.urls(site) if wanted else ()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {name: pool.submit(metadata, name, what, indexes, site) for name, what in wanted.items()}
        try:
            answers = {name: future.result() for name, future in asked.items()}
        finally:
            pool.shutdown(cancel_futures=True)  # an index that is gone is not asked for everything else
    return {name: one for name, one in answers.items() if one}


def metadata(name: str, what: Distribution | ImageSpec, indexes: Iterable[str], site: Site) -> Metadata | None:
    """What the distribution `NAME==VERSION` requires, or None when it does not say; raises BuilderError."""
    project, _, version = name.partition("==")
    if isinstance(what, Distribution) and (wheel := local(what.file, site)):
        return read_as(str(wheel), lambda: of_wheel(zipfile.ZipFile(wheel)))
    for url in indexes:
        listed = package_index.files(project, url, site)
        if file := chosen(listed, version, what):
            return read_as(redact(file.url), partial(of_file, file, site))
    raise BuilderError(f"{name}: no index of this site has it any more", hint="python -m builder doctor")


def read_as(where: str, read: Callable[[], Metadata | None]) -> Metadata | None:
    """What `read` returns; raises BuilderError when the file is no archive."""
    try:
        return read()
    except (OSError, EOFError, LookupError, RuntimeError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise BuilderError(
            f"{where}: neither a wheel nor a source archive: {error}", hint=package_index.DOCTOR
        ) from None


def local(file: str, site: Site) -> Path | None:
    """The wheel in the site's directories of wheels, or None."""
    return next((path for links in site.find_links if (path := links / file).is_file()), None)


def chosen(listed: Iterable[File], version: str, what: Distribution | ImageSpec) -> File | None:
    """The locked file, or for a documented version the file that pip would choose for the cell."""
    if isinstance(what, Distribution):
        return next((file for file in listed if what.sha256 == file.sha256), None)
    same = [file for file in listed if version_of(file.name) == version]
    ranks = {tag: rank for rank, tag in enumerate(tags(what.value("python"), what.platform.glibc))}
    wheels = resolve.ranked(({"path": file.name, "file": file} for file in same if file.name.endswith(".whl")), ranks)
    best = sorted(wheels, key=lambda pair: pair[0])
    sdists = [file for file in same if file.name.endswith(".tar.gz")]
    return best[0][1]["file"] if best else next(iter(sdists), None)


def version_of(file: str) -> str:
    """The version in a file's name; empty when it is no name of a wheel or sdist."""
    try:
        found = parse_wheel_filename(file)[1] if file.endswith(".whl") else parse_sdist_filename(file)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""
    return str(found)


def of_file(file: File, site: Site) -> Metadata | None:
    """What a file of the index requires: from its metadata file (PEP 658), else from inside it."""
    told = package_index.get(f"{file.url}.metadata", site) if file.name.endswith(".whl") else None
    if told is not None:
        return parse(package_index.checked(told, file.metadata, f"{file.name}.metadata").decode("utf-8", "replace"))
    bytes_ = package_index.size(file.url, site)
    if file.name.endswith(".whl") and bytes_ > WHOLE_BYTES:
        return of_wheel(zipfile.ZipFile(io.BufferedReader(Remote(file.url, bytes_, site))))
    content = package_index.checked(package_index.get(file.url, site) or b"", file.sha256, file.name)
    return of_wheel(zipfile.ZipFile(io.BytesIO(content))) if file.name.endswith(".whl") else of_sdist(content)


def of_wheel(wheel: zipfile.ZipFile) -> Metadata:
    """What a wheel requires; raises BuilderError when it is none."""
    with wheel:
        for name in wheel.namelist():
            if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
                return parse(wheel.read(name).decode("utf-8", "replace"))
    raise BuilderError(f"{wheel.filename}: a wheel without METADATA")


def of_sdist(content: bytes) -> Metadata | None:
    """What an sdist requires, from PKG-INFO or from requires.txt (setuptools before 68); None when both are missing."""
    texts = {name.rpartition("/")[2]: text for name, text in members(content)}
    if "PKG-INFO" not in texts:
        return None
    found = parse(texts["PKG-INFO"])
    if found.requires or "requires.txt" not in texts:
        return found if found.requires or "SOURCES.txt" in texts else None
    return Metadata(python=found.python, requires=requires_txt(texts["requires.txt"]))


def members(content: bytes) -> Iterator[tuple[str, str]]:
    """The texts of PKG-INFO and requires.txt in an sdist."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            if member.isfile() and member.name.rpartition("/")[2] in ("PKG-INFO", "requires.txt", "SOURCES.txt"):
                stream = archive.extractfile(member)
                yield member.name, stream.read().decode("utf-8", "replace") if stream else ""
