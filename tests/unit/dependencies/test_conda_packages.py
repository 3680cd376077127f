"""conda's packages in the lock: read strictly, recorded from an explicit list, fetched, and asked of their channel."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builder.dependencies import conda_packages, download, lockfile, upstream, wheelhouse
from builder.errors import InputError, StaleError
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from builder.matrix.names import cell
from builder.matrix.spec import CONDA, CondaPackage
from tests.support.package_index import Index, serving

ROOT = Path(__file__).parents[3]
LOCK = lockfile.load(ROOT / "builder.lock")
CELLS = tuple(spec for spec in load_matrix(ROOT / "matrix.yaml").cells if spec.platform.name == "ubuntu16.04")
CONTENT = b"a package"
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
PATH = "main/linux-64/libz-ng-1.2.11-ha838bed_2.tar.bz2"
ONE = CondaPackage(path=PATH, md5=MD5, sha256=None)


def test_every_row_of_the_documented_platform_has_its_packages() -> None:
    pinned = lockfile.pin_all(CELLS, LOCK)
    assert {(len(image.conda), image.spec.value("python")) for image in pinned} == {(16, "3.6.2")}
    python = next(one for one in pinned[0].conda if one.name == "python")
    assert (python.version, python.file) == ("3.6.2", "python-3.6.2-hca45abc_19.tar.bz2")
    assert not any(one.name == "certifi" for one in pinned[0].conda), (
        "pip could not uninstall conda's (a flat egg-info)"
    )


def test_a_row_without_packages_is_stale_and_the_hint_says_what_records_them() -> None:
    with pytest.raises(StaleError) as caught:
        lockfile.pin(CELLS[0], replace(LOCK, conda={}))
    assert "no packages of conda for python 3.6.2" in caught.value.message
    assert "lock --conda-list FILE" in (caught.value.hint or "")


def test_an_explicit_list_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "explicit.txt"
    file.write_text(f"# made by hand\n@EXPLICIT\n{CONDA}/main/linux-64/python-3.6.2-0.tar.bz2#{MD5}\n{ONE.url}#{MD5}\n")
    found = conda_packages.explicit(file)
    assert found[0] == ONE
    assert conda_packages.python_of(found) == "python==3.6.2"
    assert conda_packages.read(conda_packages.document({"python==3.6.2": found})) == {"python==3.6.2": found}


@pytest.mark.parametrize(
    "line",
    [
        f"https://elsewhere.example/main/linux-64/a-1-0.tar.bz2#{MD5}",
        f"{CONDA}/main/linux-64/a-1-0.tar.bz2",
        f"{CONDA}/main/linux-64/../a-1-0.tar.bz2#{MD5}",
        f"{CONDA}/main/linux-64/a-1-0.conda#{MD5}",
        f"{CONDA}/main/linux-64/a-1-0.tar.bz2#{MD5} && true",
    ],
)
def test_another_line_is_refused_with_its_number(line: str, tmp_path: Path) -> None:
    file = tmp_path / "explicit.txt"
    file.write_text(f"@EXPLICIT\n{line}\n")
    with pytest.raises(InputError) as caught:
        conda_packages.explicit(file)
    assert f"{file}:2: not like" in str(caught.value)


@pytest.fixture
def channel() -> Iterator[Index]:
    with serving(Index(files={ONE.file: CONTENT})) as there:
        yield there


def at(there: Index) -> Site:
    return Site(downloads=((f"{CONDA}/main/linux-64/", f"{there.url}/files/"),))


def image_of(one: CondaPackage) -> tuple[wheelhouse.Item, ...]:
    (pinned,) = lockfile.pin_all(CELLS[:1], LOCK)
    return wheelhouse.items([replace(pinned, spec=replace(pinned.spec, sources=()), distributions=(), conda=(one,))])


def test_a_package_is_fetched_by_its_md5_and_its_sha256_is_then_known(channel: Index, tmp_path: Path) -> None:
    items = image_of(ONE)
    assert [how for _, how in wheelhouse.fill(items, tmp_path, at(channel))] == ["downloaded"]
    assert wheelhouse.states(items, tmp_path) == [(items[0], "whole")]
    (known,) = conda_packages.with_sha256([ONE], [tmp_path])
    assert known.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert wheelhouse.states(image_of(known), tmp_path)[0][1] == "whole"


def test_other_bytes_are_not_kept(channel: Index, tmp_path: Path) -> None:
    items = image_of(replace(ONE, md5="0" * 32))
    with pytest.raises(Exception, match=f"it came with md5 {MD5}, locked is 0000"):
        list(wheelhouse.fill(items, tmp_path, at(channel)))
    assert not (tmp_path / ONE.file).exists()
    assert download.algorithm(MD5) == "md5"


def test_drift_names_a_package_that_its_channel_lacks_and_a_channel_that_is_silent(channel: Index) -> None:
    gone = replace(ONE, path=PATH.replace("2.11", "2.12"))
    site = replace(at(channel), downloads=(*at(channel).downloads, (CONDA, f"{channel.url}/files")))
    (drift,) = upstream.conda(CELLS, {"python==3.6.2": (ONE, gone)}, site)
    assert (drift.kind, drift.before, len(drift.cells)) == ("package vanished", gone.path, len(CELLS))
    (silent,) = upstream.conda(CELLS[:1], {"python==3.6.2": (ONE,)}, Site(downloads=((CONDA, "http://127.0.0.1:9"),)))
    assert (silent.kind, silent.cells) == ("source unreachable", (cell(CELLS[0]),))
