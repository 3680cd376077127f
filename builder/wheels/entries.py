"""Judges the entries of a wheel before anything of it is unpacked. Somebody else made it: PEP 427."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from builder.host.limits import METADATA_BYTES, WHEEL_BYTES, WHEEL_FILES, WHEEL_RATIO

WHITEOUT = ".wh."
"""What a layer removes has this before its name: https://github.com/opencontainers/image-spec/blob/main/layer.md."""
METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
UNSUSPICIOUS = 64 << 20
"""Bytes of content, unpacked, below which it does not matter how small they are packed."""


def problems(wheel: Path, distribution: str, python: str) -> Iterator[str]:
    """Why the wheel cannot be installed beside this Python; raises BadZipFile and other errors of a damaged file."""
    with ZipFile(wheel) as archive:
        entries = archive.infolist()
        yield from of_sizes(wheel, entries)
        yield from of_names([one.filename for one in entries])
        infos = [one for one in entries if METADATA.fullmatch(one.filename)]
        if len(infos) != 1:
            yield f"it has {len(infos)} files METADATA, and a wheel has one"
        elif infos[0].file_size <= METADATA_BYTES:
            yield from of_metadata(archive.read(infos[0]).decode("utf-8", "replace"), distribution, python)


def of_sizes(wheel: Path, entries: Sequence[ZipInfo]) -> Iterator[str]:
    """The problems of a wheel that would fill a disk or memory. zipfile gives no more than the size that is stated."""
    total = sum(one.file_size for one in entries)
    if len(entries) > WHEEL_FILES:
        yield f"it has {len(entries):,} entries, and more than {WHEEL_FILES:,} are not read"
    if total > WHEEL_BYTES or total > max(UNSUSPICIOUS, WHEEL_RATIO * wheel.stat().st_size):
        yield f"its content would take {total:,} bytes, which no such wheel needs"
    for one in entries:
        if ".dist-info/" in one.filename and one.file_size > METADATA_BYTES:
            yield f"{one.filename!a} has {one.file_size:,} bytes, and more than {METADATA_BYTES:,} are not read"


def of_names(names: Sequence[str]) -> Iterator[str]:
    """The problems of names that are absolute, contain `..`, would hide files (`.wh.`), or are there twice."""
    for name in names:
        parts = name.removesuffix("/").split("/")
        if any(part in ("", ".", "..") or part.startswith(WHITEOUT) for part in parts) or not is_plain(name):
            yield f"it holds {name!a:.200}, which is not a plain relative path"
    for name, count in Counter(names).items():
        if count > 1:
            yield f"it holds {name!a:.200} {count} times"


def is_plain(name: str) -> bool:
    return "\\" not in name and name.isprintable()


def of_metadata(text: str, distribution: str, python: str) -> Iterator[str]:
    """The problems of what METADATA says: another distribution, or another Python."""
    fields = HeaderParser().parsestr(text)
    name, limit = str(fields.get("Name", "")), str(fields.get("Requires-Python", ""))
    if canonicalize_name(name) != canonicalize_name(distribution):
        yield f"its METADATA is of {name!a:.100}"
    try:
        if limit and not SpecifierSet(limit).contains(python, prereleases=True):
            yield f"it requires Python {limit:.100}, and the image has {python}"
    except InvalidSpecifier:
        yield f"its limit on Python cannot be read: {limit!a:.100}"
