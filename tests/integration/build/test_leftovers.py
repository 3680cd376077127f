"""What is left where a run could not end as it should: nothing after a full disk, and after a kill what `clean` finds."""

import secrets
import subprocess
import sys
from pathlib import Path

import docker
import yaml

from builder.build import engine_manifest
from builder.host.temporary import passing
from builder.publish.signing import keys
from tests.support.base_cache import own_cache
from tests.support.command_line import ROOT
from tests.support.project import REPOSITORY, NewProject, Project
from tests.support.push import push_command
from tests.support.registries import Server, published
from tests.support.signing_keys import PASSWORD, make_key
from tests.support.wheels import write_wheel

LEAVE = """
import docker, os, sys
from builder.build import engine_manifest
from builder.host.temporary import passing
with engine_manifest.tagged(docker.from_env(), sys.argv[1], passing(1)) as name:
    print(name, flush=True)
    os.kill(os.getpid(), 9)
"""


def small(size: str) -> tuple[str, ...]:
    """Words before a command whose temporary directory has no more room than that."""
    shell = f'mount -t tmpfs -o size={size} small "$TMPDIR" && exec "$@"'
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", shell, "sh")


def test_a_full_disk_while_a_layer_is_written(project: Project, tmp_path: Path) -> None:
    write_wheel(tmp_path / "wheels", "fibig", "1.0", more=f"big = '{secrets.token_hex(1_000_000)}'\n")
    site, name = tmp_path / "site.yaml", f"{project.repository}-derived"
    own = yaml.safe_load(project.site.read_text("utf-8"))
    site.write_text(yaml.safe_dump({**own, "pip": {"find-links": [str(tmp_path / "wheels")]}}), "utf-8")
    flags = ("--from=1.0-cpu", "--pip-package=fibig", f"--site={site}", f"--name={name}", "--log-dir=logs")
    argv = ("derive", *flags, f"--repository={project.repository}", f"--lock={tmp_path / 'lock'}")
    done = project.run(*argv, before=small("256k"))
    assert done.code == 1, done.err
    assert done.err.count("error:") == 1
    assert f"No space left on device; temporary files are in {project.scratch}" in done.err
    assert "TMPDIR=DIR" in done.err
    listed = ["docker", "images", "--quiet", name]
    assert subprocess.run(listed, capture_output=True, text=True, check=True).stdout == ""
    assert project.run(*argv).code == 0


def test_a_full_disk_of_the_layers(project: Project, tmp_path: Path) -> None:
    write_wheel(tmp_path / "wheels", "fimelon", "1.0", more=f"big = '{secrets.token_hex(1_000_000)}'\n")
    site, name, place = (
        tmp_path / "site.yaml",
        f"{project.repository}-melon",
        tmp_path / "cache/framework-images/layout",
    )
    own = yaml.safe_load(project.site.read_text("utf-8"))
    site.write_text(yaml.safe_dump({**own, "pip": {"find-links": [str(tmp_path / "wheels")]}}), "utf-8")
    flags = ("--from=1.0-cpu", "--pip-package=fimelon", f"--site={site}", f"--name={name}", "--log-dir=logs")
    argv, env = ("derive", *flags, f"--repository={project.repository}"), {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    place.mkdir(parents=True)
    mounted = f'mount -t tmpfs -o size=300k small "{place}" && exec "$@"'
    done = project.run(*argv, env=env, before=("unshare", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"))
    assert done.code == 1, done.err
    assert done.err.count("error:") == 1
    assert "No space left on device, and layers are packed there" in done.err
    assert "XDG_CACHE_HOME=DIR" in done.err
    assert project.run(*argv, env=env).code == 0


def test_a_build_that_fails_among_its_layers_leaves_no_image(
    new_project: NewProject, engine: docker.DockerClient
) -> None:
    """BuildKit has made what is below the wheels by then."""
    project = new_project()
    cache, env = own_cache(project)
    (cache / "layout").mkdir()
    mounted = f'mount -t tmpfs -o size=100k small "{cache / "layout"}" && exec "$@"'
    done = project.build(env=env, before=("unshare", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"))
    assert done.code == 1, done.err
    assert "No space left on device, and layers are packed there" in done.err
    assert [one for one in engine.api.images() if project.framework in str(one.get("Labels"))] == []
    assert project.build(env=env).code == 0


def test_a_full_disk_while_a_statement_is_written(
    project: Project, server: Server, prefix: str, tmp_path: Path
) -> None:
    make_key(tmp_path, "mine")
    argv, env = push_command(project, f"{server.host}/{prefix}"), {keys.PASSWORD: PASSWORD}
    done = project.run(*argv, "--attest", f"--sign-key={tmp_path / 'mine.key'}", env=env, before=small("8k"))
    assert done.code == 1, done.err
    assert done.err.count("error:") == 1
    assert f"No space left on device; temporary files are in {project.scratch}" in done.err
    assert published(server.host, f"{prefix}/{project.repository}").keys() & project.tags().keys() == set()


def test_a_name_that_a_killed_process_left(project: Project, engine: docker.DockerClient) -> None:
    digest = project.tags()["1.0-cpu"]
    killed = subprocess.run(
        [sys.executable, "-c", LEAVE, digest], cwd=ROOT, capture_output=True, text=True, check=False
    )
    left, foreign = killed.stdout.strip(), f"{REPOSITORY}-127.0.0.1/derive:0123abcd"
    assert killed.returncode == -9
    assert left in engine.images.get(digest).tags
    engine.api.tag(digest, foreign.partition(":")[0], "0123abcd")
    with engine_manifest.tagged(engine, digest, passing(1)) as mine:
        said = project.run("clean", "--dry-run").out.splitlines()
        assert f"tag {left}" in said
        assert not {f"tag {mine}", f"tag {foreign}"} & set(said)
        assert project.run("clean").code == 0
        tags = set(engine.images.get(digest).tags)
        assert left not in tags
        assert {mine, foreign} <= tags
    assert project.tags()["1.0-cpu"] == digest
