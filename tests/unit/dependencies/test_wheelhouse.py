"""A wheelhouse: filled by hash, resumed, and never with a file that is not the locked one."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builder.build.site_inputs import wheels
from builder.dependencies import download, package_index, wheelhouse
from builder.dependencies.wheelhouse import Item
from builder.errors import BuilderError, InputError
from builder.host.site import Site, pip_conf
from builder.matrix.load import load as load_matrix
from builder.matrix.spec import Distribution, PinnedImage, Source
from tests.support.package_index import Index, serving

ROOT = Path(__file__).parents[3]
SPEC = load_matrix(ROOT / "matrix.yaml").cells[0]
ONE, TWO = "one-1.0-py3-none-any.whl", "two_parts-2.0-py3-none-any.whl"
FILES = {ONE: b"one" * 1000, TWO: b"two" * 1000}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "PAUSES", ())
    monkeypatch.setattr(download, "PAUSES", (0.0,))


@pytest.fixture
def there() -> Iterator[Index]:
    with serving(Index(files=dict(FILES))) as index_:
        yield index_


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def locked(source: Source | None = None) -> tuple[Item, ...]:
    distributions = tuple(
        Distribution(name=name, version=version, file=file, sha256=sha256(FILES[file]))
        for name, version, file in (("one", "1.0", ONE), ("two-parts", "2.0", TWO))
    )
    spec = replace(SPEC, sources=(source,) if source else ())
    return wheelhouse.items([PinnedImage(spec=spec, distributions=distributions)] * 2)


def filled(directory: Path, there: Index, **site: object) -> dict[str, str]:
    found = Site(pip_index_url=f"{there.url}/simple", **site)  # type: ignore[arg-type]
    return {item.file: how for item, how in wheelhouse.fill(locked(), directory, found)}


def test_everything_is_fetched_once(tmp_path: Path, there: Index) -> None:
    assert filled(tmp_path, there) == {ONE: "downloaded", TWO: "downloaded"}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == FILES
    there.asked.clear()
    assert filled(tmp_path, there) == {ONE: "kept", TWO: "kept"}
    assert not there.asked
    wheelhouse.refuse([], tmp_path)


def test_a_file_cut_off_is_resumed_in_the_run_and_in_the_next(tmp_path: Path, there: Index) -> None:
    there.cut = {ONE: 1, TWO: 2}
    with pytest.raises(BuilderError, match=r"two-parts 2\.0: .*: cut off after 1,500 of 3,000 bytes; .* run it again"):
        filled(tmp_path, there)
    assert not (tmp_path / TWO).exists()
    filled(tmp_path, there)
    assert (tmp_path / ONE).read_bytes() == FILES[ONE]
    assert (tmp_path / TWO).read_bytes() == FILES[TWO]
    assert f"/files/{TWO} bytes=1500-" in there.asked
    assert {path.name for path in tmp_path.iterdir()} == {ONE, TWO}


def test_what_is_busy_is_asked_again_but_not_tomorrow(tmp_path: Path, there: Index) -> None:
    there.busy = {ONE: [(503, "0")], TWO: [(429, "86400")]}
    with pytest.raises(
        BuilderError, match=r"two-parts 2\.0: .*: HTTP Error 429: .*; what came so far is kept"
    ) as error:
        filled(tmp_path, there)
    assert error.value.hint == "repeat it in 24 hours: the server asks for that"
    assert sum(TWO in one for one in there.asked) == 1
    assert filled(tmp_path, there)[TWO] == "downloaded"


def test_a_part_that_is_too_long_begins_anew(tmp_path: Path, there: Index) -> None:
    (tmp_path / f".{ONE}.{sha256(FILES[ONE])[:8]}.part").write_bytes(b"x" * 9000)
    assert filled(tmp_path, there)[ONE] == "downloaded"
    assert {path.name for path in tmp_path.iterdir()} == {ONE, TWO}


def test_each_attempt_that_brings_a_part_allows_another(tmp_path: Path, there: Index) -> None:
    there.step = 500
    assert filled(tmp_path, there) == {ONE: "downloaded", TWO: "downloaded"}
    assert f"/files/{TWO} bytes=2500-" in there.asked


def test_a_damaged_file_is_fetched_again_and_refused_until_then(tmp_path: Path, there: Index) -> None:
    filled(tmp_path, there)
    flipped = bytearray(FILES[TWO])
    flipped[100] ^= 1
    (tmp_path / TWO).write_bytes(flipped)
    (tmp_path / ONE).unlink()
    states = {item.file: state for item, state in wheelhouse.states(locked(), tmp_path)}
    assert states == {ONE: "missing", TWO: "corrupt"}
    image = PinnedImage(
        spec=SPEC,
        distributions=tuple(
            Distribution(name=i.name, version=i.version, file=i.file, sha256=i.checksum) for i in locked()
        ),
    )
    with pytest.raises(InputError) as caught:
        wheelhouse.refuse([image], tmp_path)
    assert [line.partition(": ")[2] for line in caught.value.problems] == [
        f"missing: one 1.0: {ONE}",
        f"corrupt: two-parts 2.0: {TWO}",
    ]
    assert caught.value.hint == f"python -m builder fetch --to {tmp_path}"
    assert filled(tmp_path, there) == {ONE: "downloaded", TWO: "downloaded"}


def test_what_vanished_is_named_with_its_last_hash_and_the_rest_comes(tmp_path: Path, there: Index) -> None:
    del there.files[ONE]
    with pytest.raises(BuilderError) as caught:
        filled(tmp_path, there)
    assert caught.value.message == (
        f"one 1.0: {ONE}: no index and no directory has it any more; locked is sha256 {sha256(FILES[ONE])}\n"
        "  try: python -m builder lock --upgrade one"
    )
    assert (tmp_path / TWO).exists()


def test_another_hash_is_told_with_both_and_never_kept(tmp_path: Path, there: Index) -> None:
    there.files[ONE] = b"other"
    there.files[TWO] = b"lied"
    there.promised[TWO] = sha256(FILES[TWO])
    with pytest.raises(BuilderError) as caught:
        filled(tmp_path, there)
    assert (
        f"the index has other bytes under this name: sha256 {sha256(b'other')}, locked is {sha256(FILES[ONE])}"
        in caught.value.message
    )
    assert f"it came with sha256 {sha256(b'lied')}, locked is {sha256(FILES[TWO])}: not kept" in caught.value.message
    assert not list(tmp_path.iterdir())


def test_a_directory_of_wheels_is_copied_from(tmp_path: Path, there: Index) -> None:
    links, target = tmp_path / "links", tmp_path / "wheels"
    links.mkdir()
    target.mkdir()
    (links / ONE).write_bytes(FILES[ONE])
    (links / TWO).write_bytes(b"not the locked one")
    assert filled(target, there, find_links=(links,)) == {ONE: "copied", TWO: "downloaded"}


def test_source_archives_come_from_the_mirror_of_the_site(tmp_path: Path, there: Index) -> None:
    there.files["thing-1.tar.xz"] = b"source"
    source = Source(name="thing-1", url="https://a.example/x/thing-1.tar.xz", sha256=sha256(b"source"))
    site = Site(pip_index_url=f"{there.url}/simple", downloads=(("https://a.example/x/", f"{there.url}/files/"),))
    assert len(list(wheelhouse.fill(locked(source), tmp_path, site))) == 3
    assert (tmp_path / "thing-1.tar.xz").read_bytes() == b"source"


def test_an_index_that_is_gone_ends_the_run(tmp_path: Path, there: Index) -> None:
    there.page = (503, "later")
    with pytest.raises(BuilderError, match="HTTP Error 503") as caught:
        filled(tmp_path, there)
    assert caught.value.hint == "python -m builder doctor"
    there.page = (200, "{nonsense")
    with pytest.raises(BuilderError, match="not the page of a package index"):
        filled(tmp_path, there)


def test_a_disk_that_refuses_ends_the_run(tmp_path: Path, there: Index) -> None:
    with pytest.raises(BuilderError, match=r"No such file or directory; what came so far is kept") as caught:
        filled(tmp_path / "gone", there)
    assert "ls -ld" in str(caught.value.hint)
    full = download.stopped(tmp_path / "x", OSError(28, "No space left on device"))
    assert full.hint == f"df -h {tmp_path}"


def test_a_wheelhouse_replaces_the_index(tmp_path: Path) -> None:
    site = Site(pip_index_url="https://a.example/simple", find_links=(tmp_path / "links",), wheelhouse=tmp_path)
    assert pip_conf(site) == "[global]\nno-index = true\n"
    (tmp_path / ONE).touch()
    with wheels(site, [ONE, TWO]) as directory:
        assert directory
        assert [path.name for path in directory.iterdir()] == [ONE]
