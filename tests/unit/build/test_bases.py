"""Bootstrapped bases without a bootstrap: mirrors, their state, layouts and the cache."""

import fcntl
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from builder.build import bases, oci_layout
from builder.build.bases import Base, command, ensure_base, fingerprint, leftovers, locked, sources_list
from builder.errors import BuildError, EngineError
from builder.host import apt_sources
from builder.host.apt_sources import Archive, State, archives, deb822, one_line, state
from builder.host.command import Command
from builder.host.site import Site
from builder.matrix.spec import Bootstrap
from tests.support.bases import HASH, PLATFORM, write_layout
from tests.support.polling import until


def release(directory: Path, suite: str, day: str, packages: str = HASH) -> None:
    """Write a mirror's InRelease file."""
    file = directory / "dists" / suite / "InRelease"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"Date: {day}\nSHA256:\n {packages} 12 main/binary-amd64/Packages.xz\n {day[:3]} 1 main/i18n/x\n")


def site_of(directory: Path) -> Site:
    lines = [f"deb file://{directory} {suite} main" for suite in ("bookworm", "bookworm-security")]
    return Site(base="bootstrap", apt_sources="\n".join(lines))


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    directory = tmp_path / "debian"
    release(directory, "bookworm", "Sat, 11 Jul 2026 10:16:32 UTC")
    release(directory, "bookworm-security", "Sat, 21 Nov 2026 00:53:02 UTC")
    return directory


def test_one_line_sources() -> None:
    text = "# deb http://no x y\ndeb-src http://no bookworm main\ndeb  [arch=amd64 trusted=yes] http://a/d/  bookworm main  contrib # c\n"
    assert list(one_line(text)) == [
        Archive(uri="http://a/d", suite="bookworm", components="main contrib", options="arch=amd64 trusted=yes")
    ]


def test_deb822_sources() -> None:
    text = """Types: deb deb-src
# a comment
URIs: http://a/d
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://b
Suites: bookworm
"""
    assert list(deb822(text)) == [
        Archive(uri="http://a/d", suite="bookworm", components="main"),
        Archive(uri="http://a/d", suite="bookworm-updates", components="main"),
    ]


def test_the_host_s_own_key_is_kept() -> None:
    (found,) = deb822("Types: deb\nURIs: http://a\nSuites: s\nComponents: c\nSigned-By: /etc/apt/keyrings/ours.gpg")
    assert str(found) == "deb [signed-by=/etc/apt/keyrings/ours.gpg] http://a s c"


def test_archives_of_the_site_come_before_the_host_s(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://host bookworm main\ndeb http://host trixie main\n")
    assert [line.uri for line in archives("bookworm", Site(), tmp_path)] == ["http://host"]
    site = Site(apt_sources="deb http://ours bookworm main\ndeb http://ours bookworm-security main\n")
    assert [line.suite for line in archives("bookworm", site, tmp_path)] == ["bookworm", "bookworm-security"]


def test_state_follows_the_packages_and_not_the_signature(debian: Path) -> None:
    lines = archives("bookworm", site_of(debian))
    before = state(lines, "bookworm", None)
    release(debian, "bookworm-security", "Sun, 22 Nov 2026 00:00:00 UTC")
    assert state(lines, "bookworm", None) == before
    release(debian, "bookworm-security", "Sun, 22 Nov 2026 00:00:00 UTC", packages="1" * 64)
    assert state(lines, "bookworm", None).sha256 != before.sha256
    assert state(lines, "bookworm", None).epoch == before.epoch == 1783764992


def test_a_silent_mirror_says_its_address_without_the_password() -> None:
    lines = (Archive(uri="http://user:secret@127.0.0.1:9", suite="bookworm", components="main"),)
    with pytest.raises(EngineError, match=r"//\*\*\*@127.0.0.1:9/dists/bookworm/InRelease") as caught:
        state(lines, "bookworm", None)
    assert caught.value.hint


def test_a_bundle_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    lines = (Archive(uri="https://mirror.invalid", suite="bookworm", components="main"),)
    with pytest.raises(EngineError, match=r"the CA bundle .*ca\.pem: ") as caught:
        state(lines, "bookworm", tmp_path / "ca.pem")
    assert caught.value.hint


def test_command_is_an_argv_without_a_clock(tmp_path: Path) -> None:
    lines = (Archive(uri="http://user:secret@a", suite="bookworm", components="main"),)
    wanted = command(PLATFORM, Site(), lines, 7, tmp_path / "root.tar")
    assert ("SOURCE_DATE_EPOCH", "7") in wanted.environment
    mirrors = tmp_path / "mirror.list"
    assert wanted.argv[-3:] == ("bookworm", str(tmp_path / "root.tar"), str(mirrors))
    assert mirrors.read_text("utf-8") == "deb http://user:secret@a bookworm main\n"
    assert mirrors.stat().st_mode & 0o777 == 0o600
    assert "secret" not in str(wanted)
    assert (tmp_path / "sources.list").read_text() == "deb http://a bookworm main\n"
    assert sources_list("bookworm", Site(), lines) == "deb http://a bookworm main\n"


def test_equal_contents_have_equal_digests(tmp_path: Path) -> None:
    first, second = write_layout(tmp_path / "a/layout"), write_layout(tmp_path / "b/layout")
    assert first == second == oci_layout.digest(tmp_path / "a/layout")
    assert write_layout(tmp_path / "c/layout", b"other") != first


def test_any_damage_is_noticed(tmp_path: Path) -> None:
    write_layout(tmp_path / "layout")
    for blob in (tmp_path / "layout/blobs/sha256").iterdir():
        content = blob.read_bytes()
        blob.write_bytes(content[:-1] + b"!")
        assert oci_layout.digest(tmp_path / "layout") is None
        blob.write_bytes(content)
    assert oci_layout.digest(tmp_path / "layout")
    (tmp_path / "layout/index.json").write_text("[]")
    assert oci_layout.digest(tmp_path / "layout") is None


def test_a_pulled_base_is_the_pinned_one(tmp_path: Path) -> None:
    assert ensure_base(PLATFORM, Site(), tmp_path) == Base(kind="pulled", digest=PLATFORM.base_digest)


def test_a_cached_base_is_used(tmp_path: Path, debian: Path) -> None:
    assert PLATFORM.bootstrap
    site = site_of(debian)
    found: State = state(archives("bookworm", site), "bookworm", None)
    directory = tmp_path / "bases" / f"{fingerprint(PLATFORM.bootstrap)}-{found.sha256[:16]}"
    digest = write_layout(directory)
    assert ensure_base(PLATFORM, site, tmp_path) == Base(kind="bootstrapped", digest=digest, path=directory)


def test_without_a_mirror_the_newest_cached_base_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert PLATFORM.bootstrap
    site = site_of(tmp_path / "gone")
    with pytest.raises(EngineError):
        ensure_base(PLATFORM, site, tmp_path)
    directory = tmp_path / "bases" / f"{fingerprint(PLATFORM.bootstrap)}-0123"
    digest = write_layout(directory)
    assert ensure_base(PLATFORM, site, tmp_path).digest == digest
    assert "using the newest cached base" in capsys.readouterr().err


def test_the_lock_removes_leftovers_and_makes_others_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".new-killed").mkdir()
    entered = threading.Event()

    def second() -> None:
        with locked(tmp_path):
            entered.set()

    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=second)
        thread.start()
        said = until(lambda: capsys.readouterr().err, 5, "a word of the second")
        assert not entered.is_set()
    thread.join(5)
    assert entered.is_set()
    assert leftovers(tmp_path) == []
    assert "waiting for it" in said


def test_mmdebstrap_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="not installed") as caught:
        bases.run(command(PLATFORM, Site(), archives("x", Site(apt_sources="deb h x m")), 7, tmp_path / "t"), "keys")
    assert caught.value.hint == "apt-get install mmdebstrap"


def test_ubuntu_is_bootstrapped_with_its_own_keys_and_what_its_packages_want(tmp_path: Path) -> None:
    bootstrap = Bootstrap(suite="xenial", variant="minbase", include=("apt", "ca-certificates"))
    ubuntu = replace(PLATFORM, name="ubuntu16.04", os_id="ubuntu", bootstrap=bootstrap)
    lines = archives("xenial", Site(apt_sources="deb http://u.example xenial main"))
    argv = command(ubuntu, Site(), lines, 7, tmp_path / "root.tar").argv
    first = argv.index(next(word for word in argv if word.startswith("--extract-hook")))
    assert "man1" in argv[first]
    assert "chfn" in argv[first + 1]
    assert not any("chfn" in word for word in command(PLATFORM, Site(), lines, 7, tmp_path / "root.tar").argv)
    assert any("/etc/shadow" in word for word in argv)
    assert any("sources.list.d/*mirror.list" in word for word in argv), "it may hold a password"


def test_a_hint_about_keys_is_that_distribution_s() -> None:
    refused = Command(argv=("sh", "-c", "echo 'W: GPG error: NO_PUBKEY 3B4FE6ACC0B21F32' >&2; exit 1"))
    with pytest.raises(BuildError) as caught:
        bases.run(refused, apt_sources.INSTALL_KEYRING["ubuntu"])
    assert caught.value.hint == "the mirror's key is unknown here: .ci/install-ubuntu-keyring"
