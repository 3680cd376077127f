"""The workflows of this project are read whole, and what the reader does not know is refused."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.runner.expressions import RefusedError
from tests.runner.workflow import read, workflow

WORKFLOWS = Path(__file__).parents[2] / ".github/workflows"
STEP: dict[str, Any] = {"name": "Say", "run": "echo"}
JOB: dict[str, Any] = {"runs-on": "ubuntu-latest", "steps": [STEP]}


def written(**jobs: dict[str, Any]) -> dict[str, Any]:
    return {"name": "toy", "on": "push", "jobs": copy.deepcopy(jobs)}


def test_the_jobs_of_a_night_come_after_those_that_they_need() -> None:
    found = read(WORKFLOWS / "nightly.yml")
    names = [one.id for one in found.jobs]
    assert set(names) == {"plan", "image", "catalogue", "pages", "drift", "propose", "verify"}
    for one in found.jobs:
        assert all(names.index(need) < names.index(one.id) for need in one.needs)
    assert [one.id for one in found.before(found.job("pages"))] == ["plan", "image", "catalogue"]


def test_the_workflow_of_the_tests_is_read() -> None:
    (job,) = read(WORKFLOWS / "ci.yml").jobs
    assert [bool(one.run) for one in job.steps] == [True, False, True, True]
    assert job.steps[1].given == {"persist-credentials": "false"}


@pytest.mark.parametrize(
    "jobs",
    [
        {"one": {**JOB, "uses": "./other.yml"}},
        {"one": {**JOB, "runs-on": "windows-latest"}},
        {"one": {**JOB, "strategy": {"max-parallel": 2}}},
        {"one": {**JOB, "strategy": {"matrix": {"a": [1]}}}},
        {"one": {**JOB, "steps": [{**STEP, "shell": "pwsh"}]}},
        {"one": {**JOB, "steps": [{**STEP, "uses": "a/b@1"}]}},
        {"one": {**JOB, "steps": [{"name": "nothing"}]}},
        {"one": {**JOB, "needs": "two"}},
        {"one": {**JOB, "needs": "two"}, "two": {**JOB, "needs": "one"}},
    ],
)
def test_what_is_not_known_is_refused(jobs: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        workflow(written(**jobs))
