"""Nights of `nightly.yml` from its YAML, on an engine as a hosted runner has, with a registry that wants a login.

The row is scikit-learn. The stand-ins are named in tests/runner: cosign without a key, gh, and the actions.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from builder.host.site_discovery import load_site
from builder.registry import manifests
from builder.registry.connection import linked
from tests.runner import fork as forks
from tests.runner.fork import BROKEN, KEPT, Fork, fork, git
from tests.runner.jobs import Runs, night
from tests.runner.machine import Machine
from tests.runner.workflow import read
from tests.support.base_cache import cache_of
from tests.support.command_line import ROOT
from tests.support.registries import PASSWORD, docker_config, registry
from tests.support.rotation import rotating
from tests.support.second_engine import near_address, start_second_engine
from tests.support.signing_keys import PASSWORD as KEYS_PASSWORD
from tests.support.signing_keys import make_key
from tests.support.wheels import write_wheel

WORKFLOW = read(ROOT / ".github/workflows/nightly.yml")
IDENTITY = "https://github.example/Some-Owner/images/.github/workflows/nightly.yml@refs/heads/main"
FRIDAY = 4
NEW, NEWEST = "threadpoolctl", "99.0"


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    found = fork(tmp_path_factory.mktemp("fork"))
    forks.keep_one_row(found)
    return found


@pytest.fixture(scope="module")
def machine(forked: Fork, site_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A runner before its first night; its registry is empty."""
    directory = tmp_path_factory.mktemp("machine")
    make_key(directory, "stand-in")
    _, cache = cache_of(directory, forked.tree / "matrix.yaml", site_file)
    with (
        registry(directory / "registry", login=True, address=near_address()) as server,
        start_second_engine(containerd_store=False, reaches_out=True, insecure=(server.host,)) as engine,
    ):
        site = {**yaml.safe_load(site_file.read_text("utf-8")), "insecure-registries": [server.host]}
        (directory / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
        env = {
            **cache,
            "BUILDER_SITE": str(directory / "site.yaml"),
            "DOCKER_HOST": engine.engine,
            "STAND_INS": str(ROOT),
            "STAND_IN_PYTHON": sys.executable,
            "STAND_IN_COSIGN": str(shutil.which("cosign")),
            "STAND_IN_KEYS": str(directory),
            "STAND_IN_PASSWORD": KEYS_PASSWORD,
            "STAND_IN_IDENTITY": IDENTITY,
            "STAND_IN_ISSUER": WORKFLOW.env["ISSUER"],
        }
        yield Machine(
            directory=directory / "runner", origin=forked.origin, registry=server.host, token=PASSWORD, env=env
        )


def results(runs: Runs) -> dict[str, str]:
    """How the jobs ended, but for those that depend on what the world offers today."""
    return {name: one.result for name, one in runs.items() if name not in {"drift", "propose"}}


def logs(runs: Runs) -> str:
    return "\n".join(f"##### {name}: {one.result}\n{one.log}" for name, one in runs.items())


def tags(machine: Machine, monkeypatch: pytest.MonkeyPatch, framework: str) -> dict[str, str | None]:
    """The tags of images in the registry."""
    monkeypatch.setenv("DOCKER_CONFIG", str(docker_config(machine.directory / "login", machine.registry)))
    repository = f"some-owner/{framework}"
    with linked(load_site(Path(machine.env["BUILDER_SITE"])), machine.registry) as connection:
        found = {tag: manifests.digest(connection, repository, tag) for tag in manifests.tags(connection, repository)}
    return {tag: digest for tag, digest in found.items() if not tag.startswith("sha256-")}


ALL_WELL = {"plan": "success", "image": "success", "catalogue": "success", "pages": "success", "verify": "success"}


@pytest.mark.parametrize("_case", rotating("nights", first=FRIDAY))
def test_three_nights(_case: str, machine: Machine, forked: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    first = night(WORKFLOW, machine)
    assert results(first) == ALL_WELL, logs(first)
    assert f"verified as of {IDENTITY}" in first["image"].log
    before = tags(machine, monkeypatch, KEPT)
    assert {"1.9-cpu", "latest-cpu"} <= before.keys()
    assert str(before["1.9-cpu"]) in (machine.pages / "image-info.json").read_text("utf-8")

    quiet = night(WORKFLOW, machine)
    assert results(quiet) == {**ALL_WELL, "image": "skipped"}, logs(quiet)
    assert json.loads(quiet["plan"].outputs["matrix"]) == {"include": []}
    assert (machine.pages / "index.html").exists()
    assert tags(machine, monkeypatch, KEPT) == before

    forks.add_broken_row(forked)
    failed = night(WORKFLOW, machine)
    assert failed["image"].legs == 1
    assert {name: results(failed)[name] for name in ("image", "catalogue", "pages")} == {
        "image": "failure",
        "catalogue": "success",
        "pages": "success",
    }, logs(failed)
    assert "RUN exit 3" in failed["image"].log
    assert str(before["1.9-cpu"]) in (machine.pages / "image-info.json").read_text("utf-8")
    assert tags(machine, monkeypatch, KEPT) == before
    assert tags(machine, monkeypatch, BROKEN) == {}


@pytest.mark.parametrize("_case", rotating("night-of-a-fork", first=FRIDAY + 1))
def test_a_night_of_a_new_fork(_case: str, machine: Machine, forked: Fork, tmp_path: Path) -> None:
    """Pages is off, gh refuses, and a package has a new release: each refusal ends what it is about, and no more."""
    wheels = write_wheel(tmp_path / "wheels", NEW, NEWEST).parent
    site = yaml.safe_load(Path(machine.env["BUILDER_SITE"]).read_text("utf-8"))
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({**site, "pip": {"find-links": [str(wheels)]}}), "utf-8")
    new = replace(machine, has_pages=False, env={**machine.env, "BUILDER_SITE": str(tmp_path / "site.yaml")})
    runs = night(WORKFLOW, new)
    assert {name: one.result for name, one in runs.items()} == {
        **ALL_WELL,
        "pages": "failure",
        "drift": "success",
        "propose": "success",
    }, logs(runs)
    warnings = [line for line in runs["propose"].log.splitlines() if line.startswith("::warning::")]
    assert [("pull request" in one, "issues are off" in one) for one in warnings] == [(True, False), (False, True)]
    assert f"| `{NEW}` |" in runs["propose"].log
    assert f'"{NEW}": "{NEWEST}' in git(forked.origin, "show", "nightly-lock:builder.lock")
