"""Two builds of one image compared: what differs is named, and so is what a layer repeats of those below it."""

import gzip
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from builder.build import layer_diff, oci_layout
from builder.build.layer_diff import Loss, PathEntry, ReadLayer, differences, losses
from builder.errors import BuildError

FILE = PathEntry(kind="file", mode=0o644, owner="0:0", mtime=7, size=3, link="", content="aa", attributes=())
FOLDER = replace(FILE, kind="directory", mode=0o755, size=0, content="")


def layer(digest: str = "sha256:1", **entries: PathEntry) -> ReadLayer:
    return ReadLayer(
        made_by="RUN make", digest=digest, entries={name.replace("__", "/"): one for name, one in entries.items()}
    )


@pytest.mark.parametrize(
    ("other", "line"),
    [
        (replace(FILE, mode=0o600), "/etc/a: mode 644 → 600"),
        (replace(FILE, owner="1:0"), "/etc/a: owner 0:0 → 1:0"),
        (replace(FILE, mtime=9), "/etc/a: mtime 7 → 9"),
        (replace(FILE, size=4, content="bb"), "/etc/a: size 3 → 4"),
        (replace(FILE, content="bb"), "/etc/a: content"),
        (replace(FILE, kind="symbolic link", link="b"), "/etc/a: type file → symbolic link, target  → b"),
        (replace(FILE, attributes=(("SCHILY.xattr.a", "b"),)), "/etc/a: extended attributes"),
    ],
)
def test_each_difference_is_named(other: PathEntry, line: str) -> None:
    found = list(differences([layer(etc__a=FILE, b=FILE)], [layer("sha256:2", etc__a=other, b=FILE)]))
    assert found == [f"layer 0 (RUN make): {line}"]


def test_a_file_or_a_layer_that_one_build_has_alone() -> None:
    one, other = layer(a=FILE), layer("sha256:2", a=FILE, b=FILE)
    assert list(differences([one], [other])) == ["layer 0 (RUN make): /b: only in the second build"]
    assert list(differences([one, other], [one])) == ["layer 1: only in the first build: RUN make"]
    assert list(differences([one], [one])) == []
    assert "another order or packing" in next(differences([one], [replace(one, digest="sha256:2")]))


def test_byte_code_and_libraries_get_a_hint() -> None:
    for name, word in {"x/y.pyc": "PYTHONHASHSEED", "lib/z.so.1": "-s", "var/log/dpkg.log": "remove it"}.items():
        one = ReadLayer(made_by="RUN", digest="1", entries={name: FILE})
        other = ReadLayer(made_by="RUN", digest="2", entries={name: replace(FILE, content="bb")})
        assert word in next(differences([one], [other]))


def test_what_a_higher_layer_hides() -> None:
    base = layer(etc=FOLDER, etc__a=FILE, opt__x__b=FILE, opt__x__c=FILE, opt__d=FILE)
    upper = ReadLayer(made_by="RUN", digest="2", entries={"etc": FOLDER, "etc/a": FILE, "opt/.wh.d": FILE})
    opaque = ReadLayer(made_by="RUN", digest="3", entries={"opt/x/.wh..wh..opq": FILE})
    assert list(losses([base, upper, opaque])) == [
        Loss(path="etc/a", bytes=3, layer=1, is_deleted=False),
        Loss(path="opt/d", bytes=3, layer=1, is_deleted=True),
        Loss(path="opt/x/b", bytes=3, layer=2, is_deleted=True),
        Loss(path="opt/x/c", bytes=3, layer=2, is_deleted=True),
    ]
    assert list(losses([base, layer(etc=FOLDER, etc__b=FILE)])) == []


def archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("./etc")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for name, content in {"etc/a": b"hello", "etc/.wh.b": b""}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 7
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("etc/l")
        link.type, link.linkname = tarfile.SYMTYPE, "a"
        tar.addfile(link)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_layer_is_read_however_it_is_packed(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    (tmp_path / "blob").write_bytes(pack(archive()))
    found = dict(layer_diff.entries(tmp_path / "blob"))
    assert list(found) == ["etc", "etc/a", "etc/.wh.b", "etc/l"]
    assert (found["etc"].kind, found["etc/a"].size, found["etc/a"].mtime) == ("directory", 5, 7)
    assert found["etc/a"].content.startswith("2cf24dba")
    assert (found["etc/l"].kind, found["etc/l"].link) == ("symbolic link", "a")


def test_a_layout_is_read_or_refused(tmp_path: Path) -> None:
    (tmp_path / "root.tar").write_bytes(archive())
    oci_layout.write(tmp_path / "root.tar", tmp_path / "layout")
    (base,) = layer_diff.read(tmp_path / "layout")
    assert base.made_by == "base"
    assert "etc/a" in base.entries
    assert layer_diff.read(tmp_path / "layout", only=frozenset())[0].entries == {}
    for blob in (tmp_path / "layout/blobs/sha256").iterdir():
        blob.write_bytes(blob.read_bytes()[:-9])
    with pytest.raises(BuildError, match="not a whole image"):
        layer_diff.read(tmp_path / "layout")
