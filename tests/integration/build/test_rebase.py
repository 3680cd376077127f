"""A moved base: the OS step runs again, nothing is compiled or installed, and the image is verified all the same."""

import re

from tests.support.base_cache import move_base, own_cache, stages_that_ran
from tests.support.project import NewProject


def test_a_moved_base_costs_a_rebase(new_project: NewProject) -> None:
    project = new_project()
    cache, env = own_cache(project)
    first = project.build(env=env)
    assert first.code == 0, first.err
    assert "there is no earlier one" in first.err
    before = project.tags()

    move_base(cache, project.root)
    flags = ("--version=1", f"--site={project.site}", f"--repository={project.repository}")
    (planned,) = project.run("plan", *flags, "--format=json", env=env).images
    assert planned["action"] == "build"
    assert re.fullmatch(r"base sha256:\w{8}… → \w{8}…", planned["reasons"][0])
    assert planned["reasons"][1:] == ["a rebase: nothing is compiled or installed again"]
    again = project.build(env=env)
    assert again.code == 0, again.err
    assert stages_that_ran(project) == {"system"}, "no compile step, no download of a distribution"
    assert "verifying" in again.err
    assert "0 failed" in again.err
    after = project.tags()
    assert after["1.0-cpu"] != before["1.0-cpu"]

    explained = project.run("explain", project.cell, f"--site={project.site}", env=env).out
    base, toolchain = (
        re.search(rf"^  {word} +(sha256:\w+)$", explained, re.MULTILINE) for word in ("base", "toolchain")
    )
    assert base
    assert toolchain
    assert base[1] != toolchain[1]
    assert project.run("clean", "--bases", env=env).code == 0
    assert project.build(env=env).code == 0
    (planned,) = project.run("plan", *flags, "--format=json", env=env).images
    assert planned["action"] == "skip", "clean keeps a base that compiles and installs"
