"""Every file that this host keeps below its cache, damaged in every way: it counts as absent, and that is said."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from builder.__main__ import main
from builder.build import bases, engine_manifest, history, toolchain
from builder.build.bases import Base, ensure_base, last_made
from builder.build.history import Past
from builder.derive import contents, lockfile
from builder.errors import BuilderError, EngineError, RegistryError
from builder.host import mutex, tree_hash
from builder.host.cache import cache_directory
from builder.host.files import remove
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from builder.matrix.spec import Distribution
from builder.publish import tag_set
from builder.publish.tag_set import TagSet
from builder.publish.transfer import Place
from builder.registry.connection import connected
from builder.verify import passed
from builder.verify.report import Report
from builder.wheels import downloads
from tests.support.bases import PLATFORM, write_layout
from tests.support.damaged_files import Damage
from tests.support.promises import HOST, promised

ROOT = Path(__file__).parents[3]
CELL = "pytorch/1.4.0-gpu-debian12"
DIGEST = f"sha256:{'a' * 64}"
WHEEL = b"a wheel"
ADDED = Distribution(name="toy", version="1", file="toy-1-py3-none-any.whl", sha256=hashlib.sha256(WHEEL).hexdigest())
NAMES = (
    "bases",
    "contents",
    "derived",
    "history",
    "locks",
    "manifests",
    "tagsets",
    "toolchains",
    "trees",
    "verified",
    "wheels",
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in NAMES:
        (cache_directory() / name).mkdir(parents=True)
    return cache_directory()


@pytest.fixture
def place() -> Iterator[Place]:
    """A repository of a registry that does not answer."""
    with connected("127.0.0.1:9") as connection:
        yield Place(connection=connection, repository="toy")


def test_what_is_known_of_a_cell(damage: Damage, capsys: pytest.CaptureFixture[str]) -> None:
    file = damage(history.file_of("a/b"))
    assert history.past("a/b") == Past()
    assert f"{file}: ignored: " in capsys.readouterr().err
    said: list[str] = []
    history.add("a/b", said.append, verification=2)
    assert history.past("a/b").verifications == (2,) or "the next plan will not know" in said[0]


def test_what_passed(damage: Damage, capsys: pytest.CaptureFixture[str]) -> None:
    file = damage(passed.file_of(DIGEST))
    assert passed.passed(DIGEST) == {}
    assert passed.verification(DIGEST, "checks") is None
    assert f"{file}: ignored: " in capsys.readouterr().err
    said: list[str] = []
    report = Report(
        reference="",
        digest=DIGEST,
        promise=promised(),
        results=(),
        measured={},
        host=HOST,
        seconds=1,
        junit=None,
        log=None,
    )
    passed.pass_of(report, "checks", said.append)
    assert "checks" in passed.passed(DIGEST) or "verified again" in said[0]


def test_the_hash_of_a_tree(damage: Damage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_text("one")
    total = tree_hash.tree_hash(tmp_path / "tree")
    (file,) = (cache_directory() / "trees").iterdir()
    damage(file)
    assert tree_hash.tree_hash(tmp_path / "tree") == total
    assert f"{file}: ignored: " in capsys.readouterr().err


def test_the_toolchain_base(damage: Damage, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cache / "bases/one"
    base = Base(kind="bootstrapped", digest=write_layout(path), path=path)
    damage(toolchain.file_of(PLATFORM, cache))
    assert toolchain.with_toolchain(PLATFORM, base, cache) == base
    assert toolchain.ensure_toolchain(PLATFORM, base, cache, print) == base
    found = capsys.readouterr()
    assert "ignored: " in found.err
    assert "toolchain base too" in found.out


@pytest.mark.parametrize("part", ["", "index.json", "blobs", "lock"])
def test_a_base(part: str, damage: Damage, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert PLATFORM.bootstrap
    settings = bases.fingerprint(PLATFORM.bootstrap)
    whole, other = (cache / "bases" / f"{settings}-{name}" for name in ("0", "1"))
    digest = write_layout(whole)
    shutil.copytree(whole, other)
    os.utime(whole, (1, 1))
    if part in ("", "blobs"):
        shutil.rmtree(other / part)
    file = damage((cache / "bases" if part == "lock" else other) / part)
    found = last_made(cache / "bases", settings)
    assert found
    assert found.digest == digest
    said = capsys.readouterr().err
    assert part == "lock" or f"{other}: ignored: it is not a whole base" in said
    site = Site(base="bootstrap", apt_sources="deb http://127.0.0.1:9 bookworm main")
    assert ensure_base(PLATFORM, site, cache).digest == digest
    remove(file)
    assert not os.path.lexists(file)


def test_the_lock_of_an_image(damage: Damage, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = mutex.acquire(cache / "locks", "toy")
    assert isinstance(lock, mutex.Mutex)
    lock.release()
    (file,) = (cache / "locks").iterdir()
    damage(file)
    lock = mutex.acquire(cache / "locks", "toy")
    assert isinstance(lock, mutex.Mutex)
    assert isinstance(mutex.acquire(cache / "locks", "toy"), str) or "nothing keeps another" in capsys.readouterr().err
    lock.release()


def test_tags_on_their_way(damage: Damage, place: Place) -> None:
    file = damage(tag_set.journal(place))
    said: list[str] = []
    tag_set.recover(place, said.append)
    assert f"{file}: damaged" in said[0] or "finishing it" in said[0], "one that names no tag is finished at once"
    assert file.is_dir() or not os.path.lexists(file)
    if file.is_dir():
        with pytest.raises(RegistryError, match="no tag was moved") as caught:
            tag_set.note(place, {}, TagSet(immutable={}).all)
        assert "XDG_CACHE_HOME" in str(caught.value.hint)


def test_what_an_image_holds(damage: Damage, capsys: pytest.CaptureFixture[str]) -> None:
    files = [damage(one(DIGEST)) for one in (contents.file_of, engine_manifest.file_of)]
    assert contents.remembered(DIGEST, promised()) is None
    assert engine_manifest.remembered(DIGEST) is None
    said = capsys.readouterr().err
    for file in files:
        assert f"{file}: ignored: " in said


def test_what_a_request_was_answered(damage: Damage, capsys: pytest.CaptureFixture[str]) -> None:
    file = damage(lockfile.remembered("question"))
    assert lockfile.load(file, "question") is None
    said = capsys.readouterr().err
    assert f"{file}: ignored: " in said or not file.is_file() or "schema" in file.read_text()
    lockfile.save(file, "{}", "question")
    assert file.is_dir() == ("is resolved again next time" in capsys.readouterr().err)


def test_a_wheel(damage: Damage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = damage(downloads.place(ADDED))
    links = tmp_path / "links"
    links.mkdir()
    (links / ADDED.file).write_bytes(WHEEL)
    assert downloads.wheels([ADDED], Site(find_links=(links,))) == {"toy": links / ADDED.file}
    assert f"{file}: ignored: " in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["random", "directory", "huge"], indirect=True)
def test_verbs_go_on(
    damage: Damage, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With every file damaged that they read."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.chdir(ROOT)
    (tmp_path / "python").mkdir()
    (tmp_path / "site.yaml").write_text("base: bootstrap\ncomponents: {python-3.6.15: python}\n")
    tree_hash.tree_hash(tmp_path / "python")
    platform = next(one.platform for one in load_matrix(ROOT / "matrix.yaml").cells if one.platform.name == "debian12")
    record = toolchain.file_of(platform, cache)
    base = cache / "bases" / f"{record.stem}-0"
    files = [history.file_of(CELL), *(cache / "trees").iterdir(), base, record]
    for file in files:
        damage(file)
    for argv in (["plan", "--only", CELL], ["explain", CELL]):
        assert main([*argv, "--site", str(tmp_path / "site.yaml"), "--format=json"]) == 0
    said = capsys.readouterr().err
    for file in files[:-1]:
        assert said.count(f"{file}: ignored: ") == 1
    assert "not made yet" in said


@pytest.mark.parametrize("way", ["file", "dangling", "loop"])
def test_no_directory_at_all(way: str, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In place of each directory something else: nothing is remembered, and nothing ends with a traceback."""
    for name in NAMES:
        (cache / name).rmdir()
        if way == "file":
            (cache / name).write_text("no directory")
        else:
            (cache / name).symlink_to(cache / name if way == "loop" else "/nonexistent/directory")
    assert passed.passed(DIGEST) == {}
    (tmp_path / "tree").mkdir()
    assert tree_hash.tree_hash(tmp_path / "tree")
    assert "will be read again next time" in capsys.readouterr().err
    assert last_made(cache / "bases", "0") is None
    with pytest.raises(EngineError):
        ensure_base(PLATFORM, Site(base="bootstrap", apt_sources="deb http://127.0.0.1:9 bookworm main"), cache)
    with pytest.raises(BuilderError, match="Connection refused"):
        downloads.keep(ADDED, "https://127.0.0.1:9/toy", Site(), Event())
    assert "what belongs there is kept for this run only" in capsys.readouterr().err
