"""The jobs of the workflows that need no engine, run from their YAML: the plan, the proposal of a fork, and the tests."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from tests.runner.fork import Fork, fork, git
from tests.runner.jobs import SUCCESS, JobRun, job_run
from tests.runner.machine import Machine
from tests.runner.workflow import Workflow, read
from tests.support.package_index import Index, serving
from tests.support.referrers_registry import ReferrersRegistry
from tests.support.registries import PASSWORD
from tests.support.scripted_registry import Answer, scripted

WORKFLOWS = Path(__file__).parents[2] / ".github/workflows"
NIGHTLY, CI = read(WORKFLOWS / "nightly.yml"), read(WORKFLOWS / "ci.yml")
WANTED = f"Basic {base64.b64encode(f'somebody:{PASSWORD}'.encode()).decode()}"


@dataclass(slots=True)
class ClosedRegistry:
    """An empty registry that wants a login; it notes which paths were asked for with one."""

    opened: list[str] = field(default_factory=list)
    inner: ReferrersRegistry = field(default_factory=ReferrersRegistry)

    def script(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        if headers.get("Authorization") != WANTED:
            return 401, {"WWW-Authenticate": 'Basic realm="test"'}, b"{}"
        self.opened.append(path)
        return self.inner.script(method, path, headers)


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    return fork(tmp_path_factory.mktemp("fork"))


@pytest.fixture
def registry() -> Iterator[tuple[str, ClosedRegistry]]:
    found = ClosedRegistry()
    with scripted(found.script) as host:
        yield host, found


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    """An index without a file, which says the size of none."""
    with serving(Index(files={})) as found:
        yield found.url


@pytest.fixture
def machine(forked: Fork, registry: tuple[str, ClosedRegistry], index: str, tmp_path: Path) -> Machine:
    (tmp_path / "wheels").mkdir()
    site = {"base": "bootstrap", "pip": {"index-url": index, "find-links": [str(tmp_path / "wheels")]}}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
    env = {"BUILDER_SITE": str(tmp_path / "site.yaml"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    directory = tmp_path / "machine"
    return Machine(
        directory=directory,
        origin=forked.origin,
        registry=registry[0],
        token=PASSWORD,
        stand_ins=("docker", "gh"),
        env=env,
    )


def without(workflow: Workflow, job: str, step: str) -> Workflow:
    """The workflow as if somebody had left a step out."""
    found = workflow.job(job)
    steps = tuple(one for one in found.steps if one.name != step)
    assert len(steps) < len(found.steps)
    return replace(workflow, jobs=tuple(replace(one, steps=steps) if one is found else one for one in workflow.jobs))


def planned(workflow: Workflow, machine: Machine) -> JobRun:
    return job_run(workflow, workflow.job("plan"), machine, {})


def test_the_first_plan_has_every_row(machine: Machine, registry: tuple[str, ClosedRegistry], forked: Fork) -> None:
    """It logs in, and asks for repositories in small letters whatever the owner's are."""
    run = planned(NIGHTLY, machine)
    assert run.result == SUCCESS, run.log
    assert run.outputs["registry"] == f"{registry[0]}/some-owner"
    cells = " ".join(one["cells"] for one in json.loads(run.outputs["matrix"])["include"]).split()
    rows = [Path(name).parts for name in git(forked.tree, "ls-files", "images/*/*/Dockerfile").split()]
    assert sorted(cells) == sorted(f"{framework}/{row}" for _, framework, row, _ in rows)
    assert any(path.startswith("/v2/some-owner/pytorch/") for path in registry[1].opened)


def test_an_image_too_large_for_a_runner_is_said_and_starts_no_job(
    machine: Machine, forked: Fork, tmp_path: Path
) -> None:
    """Here the file of the largest layer, which takes no byte on this disk."""
    lock = json.loads((forked.tree / "builder.lock").read_text("utf-8"))
    torch = lock["closures"]["pytorch/2.13.0-gpu-debian12"]["distributions"]["torch"].split()[1]
    with (tmp_path / "wheels" / torch).open("wb") as file:
        file.truncate(7_000_000_000)
    run = planned(NIGHTLY, machine)
    assert run.result == SUCCESS, run.log
    assert "::warning::pytorch/2.13.0-gpu-debian12: no job is started: its build takes about 44 GB" in run.log
    cells = " ".join(one["cells"] for one in json.loads(run.outputs["matrix"])["include"]).split()
    assert "pytorch/2.13.0-gpu-debian12" not in cells
    assert "scikit-learn/1.9.1-cpu-debian12" in cells


def test_a_plan_without_a_login_fails(machine: Machine, registry: tuple[str, ClosedRegistry]) -> None:
    """It does not list everything as if nothing were published."""
    run = planned(without(NIGHTLY, "plan", "Log in"), machine)
    assert run.result != SUCCESS, run.log
    assert "wants a login" in run.log
    assert registry[1].opened == []


def test_a_job_without_the_permission_gets_no_token_for_the_registry(machine: Machine) -> None:
    plan = NIGHTLY.job("plan")
    denied = replace(plan, permissions={"contents": "read"})
    jobs = tuple(denied if one is plan else one for one in NIGHTLY.jobs)
    assert planned(replace(NIGHTLY, jobs=jobs), machine).result != SUCCESS


def proposed(machine: Machine, forked: Fork) -> JobRun:
    """The job that proposes the lock of a night on which the world had moved."""
    lock = forked.tree / "builder.lock"
    before = lock.read_text()
    lock.write_text(before.replace('"schema": 1', '"schema":  1'))
    found = machine.artifacts / "drift"
    found.mkdir(parents=True)
    (found / "lock.patch").write_text(git(forked.tree, "diff", "--binary"))
    (found / "drift.md").write_text("# what moved\n")
    lock.write_text(before)
    ended = {"drift": JobRun(result=SUCCESS, outputs={"drifted": "true"})}
    return job_run(NIGHTLY, NIGHTLY.job("propose"), machine, ended)


def test_a_new_fork_gets_a_branch_and_two_warnings(machine: Machine, forked: Fork) -> None:
    run = proposed(machine, forked)
    assert run.result == SUCCESS, run.log
    assert '"schema":  1' in git(forked.origin, "show", "nightly-lock:builder.lock")
    warnings = [line for line in run.log.splitlines() if line.startswith("::warning::")]
    assert [("pull request" in one, "issues are off" in one) for one in warnings] == [(True, False), (False, True)]
    assert "# what moved" in run.log


def test_nothing_is_proposed_where_nothing_moved(machine: Machine) -> None:
    ended = {"drift": JobRun(result=SUCCESS, outputs={"drifted": ""})}
    assert job_run(NIGHTLY, NIGHTLY.job("propose"), machine, ended).result == "skipped"


def suite(workflow: Workflow, machine: Machine, tmp_path: Path) -> JobRun:
    """The job of the tests, with a make that asks git for the files, and a checkout of another owner."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, line in {"make": "git ls-files", "apt-get": "true"}.items():
        (programs / name).write_text(f"#!/bin/sh\nexec {line}\n")
        (programs / name).chmod(0o755)
    owned = {**machine.env, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    there = replace(machine, stand_ins=("make", "apt-get"), programs=programs, env=owned)
    return job_run(workflow, workflow.job("test"), there, {})


def test_git_lists_the_files_of_another_owners_checkout(machine: Machine, tmp_path: Path) -> None:
    run = suite(CI, machine, tmp_path)
    assert run.result == SUCCESS, run.log
    assert "builder/__main__.py" in run.log


def test_without_trust_it_lists_none(machine: Machine, tmp_path: Path) -> None:
    run = suite(without(CI, "test", "Trust the checkout"), machine, tmp_path)
    assert run.result != SUCCESS
    assert "dubious ownership" in run.log
