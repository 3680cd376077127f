"""A cache that cannot be used: what can go on goes on, the rest is said in a line."""

import os
from pathlib import Path

import pytest

from builder.build import bases
from builder.errors import EngineError, InputError
from builder.host import cache, mutex
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from tests.support.debian_mirror import mirror_site, packages_with

ROOT = Path(__file__).parents[3]
PLATFORM = next(spec.platform for spec in load_matrix(ROOT / "matrix.yaml").cells if spec.platform.bootstrap)


def test_a_lock_that_cannot_be_written_excludes_nobody_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "locks").write_text("no directory")
    first, second = (mutex.acquire(tmp_path / "locks", "toy") for _ in range(2))
    assert isinstance(first, mutex.Mutex)
    assert isinstance(second, mutex.Mutex)
    assert "File exists: nothing keeps another builder from toy" in capsys.readouterr().err
    first.release()
    second.release()


def test_a_base_that_cannot_be_kept_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    site: Site = mirror_site(tmp_path / "mirror", packages_with("1"))
    release = tmp_path / "mirror/dists/bookworm/Release"
    release.with_name("InRelease").write_bytes(release.read_bytes())
    site = Site(base="bootstrap", apt_sources=str(site.apt_sources).replace("file:", "file://"))
    (tmp_path / "bases").write_text("no directory")
    with pytest.raises(EngineError, match="bases: File exists, and a base has to be written there") as caught:
        bases.ensure_base(PLATFORM, site, tmp_path)
    assert "XDG_CACHE_HOME=DIR" in str(caught.value.hint)


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under any number."""
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    with pytest.raises(InputError, match="no home directory") as caught:
        cache.cache_directory()
    assert "XDG_CACHE_HOME=DIR" in str(caught.value.hint)
