"""A database is a directory or an archive, of JSON or YAML, and one that is damaged is said, never green."""

import json
import zipfile
from pathlib import Path

import pytest

from builder.advisories import database
from builder.errors import InputError
from tests.support.advisories import ranges, record

TOY = record(ranges=ranges({"introduced": "0"}))
YAML = """id: X-2
affected:
- package: {name: toy_net, ecosystem: PyPI}
  versions: ["1.0"]
modified: "2026-02-01T00:00:00Z"
"""
OTHER = {**TOY, "affected": [{"package": {"ecosystem": "PyPI", "name": "other"}}], "modified": "2026-03-01T00:00:00Z"}


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)
    return directory


def test_both_forms_are_read(tmp_path: Path) -> None:
    (tmp_path / "vulns/toy").mkdir(parents=True)
    written(tmp_path / "vulns/toy", a__json=json.dumps(TOY), b__yaml=YAML, c__md="no record")
    found = database.load(written(tmp_path, d__json=json.dumps(OTHER)), {"toy-net"})
    assert [one.id for one in found.advisories] == ["X-1", "X-2"]
    assert (found.count, found.newest, found.unreadable) == (3, "2026-03-01", ())


def test_an_archive_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("X-1.json", json.dumps(TOY))
        archive.writestr("../../X-2.yaml", YAML)
    found = database.load(tmp_path / "all.zip", {"toy-net"})
    assert [one.id for one in found.advisories] == ["X-2", "X-1"]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "toy-net"',
        '["name: toy-net"]',
        '{"name": "toy-net", "affected": []}',
        '{"id": "X", "modified": "2026", "affected": [{"package": {"name": "toy-net"}}]}',
        json.dumps({**TOY, "affected": "name: toy-net"}),
        '{"name": "toy-net", "a": ' + "[" * 100_000,
    ],
)
def test_a_record_that_cannot_be_read_is_said(text: str, tmp_path: Path) -> None:
    found = database.load(written(tmp_path, a__json=text, b__yaml=YAML), {"toy-net"})
    assert [one.id for one in found.advisories] == ["X-2"]
    assert [one.partition(":")[0] for one in found.unreadable] == ["a.json"]


def test_what_is_no_database_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no record of advisories"):
        database.load(tmp_path, {"toy-net"})
    (tmp_path / "all.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="no archive of advisories"):
        database.load(tmp_path / "all.zip", {"toy-net"})
    written(tmp_path, a__yaml=YAML, b__yaml=YAML)
    monkeypatch.setattr(database, "ADVISORIES", 1)
    with pytest.raises(InputError, match="more than 1 records"):
        database.load(tmp_path, {"toy-net"})
    monkeypatch.setattr(database, "ADVISORIES", 9)
    monkeypatch.setattr(database, "ADVISORY_BYTES", 10)
    with pytest.raises(InputError, match=r"a\.yaml: more than 10 bytes"):
        database.load(tmp_path, {"toy-net"})
