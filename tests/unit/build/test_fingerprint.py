"""Nothing but an image's own inputs is in its fingerprint: asked of the whole program, as people run it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SELECTED = ("--version=1.6", "--platform=any")
OTHER_HOST = ("unshare", "--map-root-user", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy that may be changed, with a site that pulls: its bases are known without a network."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("templates", "images"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("matrix.yaml", "builder.lock"):
        shutil.copy(ROOT / name, copy / name)
    (copy / "site.yaml").write_text("base: pull\n")
    return copy


def fingerprints(
    repository: Path, *, cwd: Path, env: Mapping[str, str] | None = None, umask: int = -1, before: Sequence[str] = ()
) -> dict[str, str]:
    """What `plan` prints without an engine."""
    files = (f"--matrix={repository / 'matrix.yaml'}", f"--site={repository / 'site.yaml'}")
    argv = [*before, sys.executable, "-m", "builder", "plan", *SELECTED, *files, "--format=json"]
    surroundings = {"PYTHONPATH": str(ROOT), "DOCKER_HOST": "unix:///nonexistent", **(env or {})}
    done = subprocess.run(
        argv, cwd=cwd, env={**os.environ, **surroundings}, capture_output=True, text=True, check=False, umask=umask
    )
    assert done.returncode == 0, done.stderr
    return {image["name"]: image["fingerprint"] for image in json.loads(done.stdout)["images"]}


def test_nothing_of_the_host_or_of_another_row_counts(repository: Path, tmp_path: Path) -> None:
    before = fingerprints(repository, cwd=repository)
    assert len(set(before.values())) == len(before) == 4
    assert all(len(found) == 64 for found in before.values())
    env = {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Tokyo", "HOME": str(tmp_path), "PYTHONHASHSEED": "7"}
    assert fingerprints(repository, cwd=tmp_path, env=env, umask=0o077) == before
    if shutil.which(OTHER_HOST[0]) and not subprocess.run([*OTHER_HOST, "true"], check=False).returncode:
        assert fingerprints(repository, cwd=tmp_path, before=OTHER_HOST) == before
    moved = tmp_path / "moved"
    repository.rename(moved)
    matrix = (moved / "matrix.yaml").read_text("utf-8")
    changed = matrix.replace("1.9.1", "1.9.2").replace("2.13.0", "2.13.9")
    assert changed != matrix
    (moved / "matrix.yaml").write_text(changed, "utf-8")
    (moved / "templates" / "scikit-learn.j2").write_text("nothing")
    assert fingerprints(moved, cwd=tmp_path) == before


def test_a_template_counts_for_its_own_cells(repository: Path) -> None:
    before = fingerprints(repository, cwd=repository)
    template = repository / "templates" / "platforms" / "debian12.j2"
    template.write_text(template.read_text("utf-8") + "# another comment\n", "utf-8")
    base = repository / "templates" / "image.j2"
    base.write_text(base.read_text("utf-8").replace('CMD ["bash"]', 'CMD ["sh"]'), "utf-8")
    command = [sys.executable, "-m", "builder", "render", *SELECTED]
    subprocess.run(command, cwd=repository, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    after = fingerprints(repository, cwd=repository)
    assert all(after[name] != found for name, found in before.items())
