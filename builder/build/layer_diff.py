"""Compares the layers of two images in OCI layouts, file by file, reading streams; nothing is unpacked."""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

import zstandard

from builder.errors import BuildError

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
}
CHUNK = 1 << 20
XATTR = "SCHILY.xattr."
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""Deletions, as files: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts."""
HINTS = (
    (r"\.py[co]$", "byte code: fix the time of its source, then compile it with PYTHONHASHSEED=0"),
    (r"\.so(\.[0-9.]+)?$|\.[ao]$", "compiled: a path, a time or symbols of the build; link with -s"),
    (r"(^|/)RECORD$", "it repeats the hashes of its distribution's other files"),
    (r"^var/(log|cache|lib/apt/lists)/|^tmp/|^root/", "a log or a cache: remove it in the step that writes it"),
    (r"^etc/(shadow|passwd|group)-?$", "an account: useradd takes its day from SOURCE_DATE_EPOCH"),
    (r"\.(gz|zip|whl|jar|xz)$", "an archive, which holds times of its own: gzip -n"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEntry:
    """One path in a layer; `content` is the sha256 of a regular file."""

    kind: str
    mode: int
    owner: str
    mtime: int
    size: int
    link: str
    content: str
    attributes: tuple[tuple[str, str], ...]


Entries = Mapping[str, PathEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLayer:
    """One layer of an image: what made it, the digest of its blob, and what it holds."""

    made_by: str
    digest: str
    entries: Entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A file of a lower layer that an upper layer hides: its bytes are stored and moved for nothing."""

    path: str
    bytes: int
    layer: int
    """The upper layer's number, the lowest being 0."""
    is_deleted: bool


def read(layout: Path, *, only: frozenset[str] | None = None) -> tuple[ReadLayer, ...]:
    """The layers of the layout's image, the lowest first; with `only`, the entries of those blobs alone.

    Raises BuildError when the layout is not whole.
    """
    try:
        manifest = document(layout, document_of_index(layout))
        config = document(layout, manifest["config"])
        made_by = [step.get("created_by", "") for step in config.get("history", ()) if not step.get("empty_layer")]
        # BuildKit fills a history that lacks the base's, as a bootstrapped one has none, at its end: `[image 5/5] …`.
        names = [instruction(text) for text in made_by if not text.startswith("[")]
        found = manifest["layers"]
        names = [*([""] * (len(found) - len(names))), *names]
        return tuple(
            ReadLayer(
                made_by=name or "base",
                digest=layer["digest"],
                entries=dict(entries(blob(layout, layer))) if only is None or layer["digest"] in only else {},
            )
            for name, layer in zip(names, found, strict=True)
        )
    except (OSError, ValueError, KeyError, TypeError, tarfile.TarError, zstandard.ZstdError) as error:
        raise BuildError(f"{layout}: not a whole image: {error}") from error


def document_of_index(layout: Path) -> dict[str, Any]:
    return dict(json.loads((layout / "index.json").read_text("utf-8"))["manifests"][0])


def document(layout: Path, descriptor: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(blob(layout, descriptor).read_text("utf-8")))


def config(layout: Path) -> dict[str, Any]:
    """The image's configuration."""
    return document(layout, document(layout, document_of_index(layout))["config"])


def blob(layout: Path, descriptor: dict[str, Any]) -> Path:
    return layout / "blobs/sha256" / str(descriptor["digest"]).removeprefix("sha256:")


def instruction(created_by: str) -> str:
    """The first words of the instruction that made a layer, for people."""
    text = " ".join(word for word in created_by.removesuffix("# buildkit").split() if not word.startswith("--mount"))
    return text if len(text) <= 50 else text[:49] + "…"  # noqa: PLR2004 (a line)


def entries(file: Path) -> Iterator[tuple[str, PathEntry]]:
    """Each path of a layer, without a leading slash; a blob may be compressed by zstd, gzip or not at all."""
    with unpacked(file) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            yield member.name.removeprefix("./").strip("/"), entry(member, hashed(content) if content else "")


@contextmanager
def unpacked(file: Path) -> Iterator[Any]:
    """The archive in a blob, as a stream of bytes to read."""
    import gzip

    with file.open("rb") as packed:
        magic = packed.read(4)
        packed.seek(0)
        if magic == zstandard.FRAME_HEADER:
            with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as stream:
                yield stream
        elif magic.startswith(b"\x1f\x8b"):
            with gzip.open(packed) as stream:
                yield stream
        else:
            yield packed


def entry(member: tarfile.TarInfo, content: str) -> PathEntry:
    attributes = {key: value for key, value in member.pax_headers.items() if key.startswith(XATTR)}
    return PathEntry(
        kind=KINDS.get(member.type, member.type.decode("ascii", "replace")),
        mode=member.mode,
        owner=f"{member.uid}:{member.gid}",
        mtime=int(member.mtime),
        size=member.size,
        link=member.linkname,
        content=content,
        attributes=tuple(sorted(attributes.items())),
    )


def hashed(stream: IO[bytes]) -> str:
    total = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        total.update(chunk)
    return total.hexdigest()


def differences(first: Sequence[ReadLayer], second: Sequence[ReadLayer]) -> Iterator[str]:
    """A line for each difference, from the lowest layer to the highest; none when the layers are equal."""
    for number, (one, other) in enumerate(zip_longest(first, second)):
        if one is None or other is None:
            yield f"layer {number}: only in the {'second' if one is None else 'first'} build: {(one or other).made_by}"
        elif one.digest != other.digest:
            lines = list(of_layer(one.entries, other.entries))
            where = f"layer {number} ({one.made_by})"
            yield from (f"{where}: {line}" for line in lines or ["the same files in another order or packing"])


def of_layer(first: Entries, second: Entries) -> Iterator[str]:
    """A line for each path that is not the same."""
    for path in sorted(first.keys() | second.keys()):
        one, other = first.get(path), second.get(path)
        if one is None or other is None:
            yield f"/{path}: only in the {'second' if one is None else 'first'} build{hint(path)}"
        elif one != other:
            yield f"/{path}: {', '.join(changed(one, other))}{hint(path) if one.content != other.content else ''}"


def changed(one: PathEntry, other: PathEntry) -> Iterator[str]:
    """How one path differs: in content, mode, owner, time or kind."""
    if one.kind != other.kind:
        yield f"type {one.kind} → {other.kind}"
    if one.mode != other.mode:
        yield f"mode {one.mode:o} → {other.mode:o}"
    if one.owner != other.owner:
        yield f"owner {one.owner} → {other.owner}"
    if one.mtime != other.mtime:
        yield f"mtime {one.mtime} → {other.mtime}"
    if one.link != other.link:
        yield f"target {one.link} → {other.link}"
    if one.size != other.size:
        yield f"size {one.size} → {other.size}"
    elif one.content != other.content:
        yield "content"
    if one.attributes != other.attributes:
        yield "extended attributes"


def hint(path: str) -> str:
    """The likely cause, for paths that have one."""
    return next((f" ({text})" for pattern, text in HINTS if re.search(pattern, path)), "")


def losses(layers: Sequence[ReadLayer]) -> Iterator[Loss]:
    """Every regular file of a layer that a higher one overwrites or deletes."""
    below: dict[str, int] = {}
    for number, layer in enumerate(layers):
        for path, entry in layer.entries.items():
            folder, _, name = path.rpartition("/")
            if name.startswith(WHITEOUT):
                gone = folder if name == OPAQUE else f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/")
                for hidden in [known for known in below if known == gone or known.startswith(f"{gone}/")]:
                    yield Loss(path=hidden, bytes=below.pop(hidden), layer=number, is_deleted=True)
            elif entry.kind != "directory" and path in below:
                yield Loss(path=path, bytes=below.pop(path), layer=number, is_deleted=False)
        below |= {path: entry.size for path, entry in layer.entries.items() if entry.kind == "file"}
