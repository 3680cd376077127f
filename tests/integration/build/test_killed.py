"""A builder that is killed at any moment leaves no wrong tag and no half layer, and the next one goes on."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress

import pytest

from builder.host import layer_cache
from builder.host.files import sha256_of
from builder.verify import passed
from tests.support.base_cache import own_cache
from tests.support.project import NewProject
from tests.support.rotation import rotating

KILLS = {"killed-4-times": 4, "killed-20-times": 20}


@pytest.mark.parametrize("times", ["killed-4-times", *rotating("killed-20-times")])
def test_whenever_a_builder_is_killed_the_next_one_recovers(
    times: str, new_project: NewProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kills are spread over all that a build does, with no layer in the cache: from BuildKit to the last tag."""
    project = new_project()
    cache, env = own_cache(project)
    monkeypatch.setenv("XDG_CACHE_HOME", env["XDG_CACHE_HOME"])
    assert project.build(env=env).code == 0
    project.template("# another image")
    shutil.rmtree(layer_cache.root())
    whole = project.build(env=env)
    assert whole.code == 0, whole.err
    for number in range(KILLS[times]):
        project.template(f"# image {number}")
        shutil.rmtree(layer_cache.root())
        with project.started(*project.flags("--version=1"), env=env) as run:
            with suppress(subprocess.TimeoutExpired):
                run.process.wait(whole.seconds * (number + 0.5) / KILLS[times])
            with suppress(ProcessLookupError):
                os.killpg(run.process.pid, signal.SIGKILL)
        assert all(passed.passed(digest) for digest in project.tags().values()), "no tag on what was not verified"
        again = project.build(env=env)
        assert again.code == 0, again.err
        assert project.tags()["1.0-cpu"] == newest(project.tags())
        assert not list(layer_cache.directory().glob(f"{layer_cache.TEMPORARY}*"))
        assert all(sha256_of(blob) == blob.name for blob in layer_cache.directory().iterdir())
    assert (cache / "layout").is_dir()


def newest(tags: dict[str, str]) -> str:
    """The digest with the most tags: the immutable tags of earlier images stay on those."""
    return max(tags.values(), key=list(tags.values()).count)


def test_two_builders_with_one_cache_make_the_same_layers(new_project: NewProject) -> None:
    project = new_project(versions=("1.0.0", "2.0.0"))
    _, env = own_cache(project)
    words = [project.flags(f"--version={number}") for number in (1, 2)]
    with project.started(*words[0], env=env) as one, project.started(*words[1], env=env) as two:
        codes = one.process.wait(), two.process.wait()
        errors = one.errors.read_text("utf-8") + two.errors.read_text("utf-8")
    assert codes == (0, 0), errors
    assert "Traceback" not in errors
