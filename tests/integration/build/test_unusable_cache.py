"""Builds with a cache that is read-only or damaged: what can go on goes on, the rest is said in a line."""

import shutil
from pathlib import Path

from builder.host.cache import cache_directory
from tests.support.project import NewProject

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def test_a_read_only_cache_is_said(new_project: NewProject, tmp_path: Path) -> None:
    """What cannot be remembered is done again."""
    project = new_project()
    cache = tmp_path / "cache" / "framework-images"
    cache.mkdir(parents=True)
    shutil.copytree(cache_directory() / "bases", cache / "bases")
    closed = ("unshare", "--mount", "sh", "-c", READ_ONLY, str(cache))
    env = {"XDG_CACHE_HOME": str(cache.parent)}
    done = project.build(env=env, before=closed)
    assert done.code == 0, done.err
    assert "Read-only file system" in done.err
    for consequence in (
        "using the newest cached base",
        "the next base will not be a rebase",
        "nothing keeps another builder from",
        "the next plan will not know what this took",
        "the image will be verified again next time",
    ):
        assert consequence in done.err
    planned = project.run(
        "plan", "--version=1", f"--site={project.site}", f"--repository={project.repository}", env=env, before=closed
    )
    assert planned.code == 0, planned.err
    assert "built, and not verified on this host" in planned.out
    assert {path.name for path in cache.iterdir()} == {"bases"}


def test_a_damaged_cache_is_said_and_built_around(new_project: NewProject, tmp_path: Path) -> None:
    project = new_project()
    cache = tmp_path / "cache" / "framework-images"
    cache.mkdir(parents=True)
    shutil.copytree(cache_directory() / "bases", cache / "bases")
    env = {"XDG_CACHE_HOME": str(cache.parent)}
    assert project.build(env=env).code == 0
    kept = [path for name in ("history", "verified", "toolchains") for path in (cache / name).glob("*.json")]
    assert len(kept) == 3
    for number, path in enumerate(kept):
        path.write_bytes((b"[" * 99_999, b"", b"\xff\x00")[number])
    done = project.build("--format=json", env=env)
    assert (done.code, done.images[0]["outcome"]) == (0, "verified"), done.err
    assert all(done.err.count(f"{path}: ignored: ") == 1 for path in kept), done.err
    done = project.build("--format=json", env=env)
    assert (done.code, done.images[0]["outcome"], "ignored" in done.err) == (0, "unchanged", False), done.err
