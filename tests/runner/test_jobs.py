"""Jobs end as GitHub's do: skipped after what was skipped, failed after a failed leg, with what they hand on."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runner.expressions import RefusedError
from tests.runner.jobs import Runs, night
from tests.runner.machine import Machine
from tests.runner.workflow import workflow

SETS = {"id": "set", "run": 'echo legs=\'{"include":[{"name":"a"},{"name":"b"}]}\' >> $GITHUB_OUTPUT'}
FAILS = {"run": "exit 7"}


def job(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"runs-on": "ubuntu-latest", "steps": list(steps), **more}


def says(text: str, **more: Any) -> dict[str, Any]:
    return {"run": f"echo {text}", **more}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(directory=tmp_path, origin=tmp_path / "none", registry="localhost:1", token="opens", stand_ins=())


def ran(machine: Machine, **jobs: dict[str, Any]) -> Runs:
    return night(workflow({"name": "toy", "on": "push", "env": {"WHO": "${{ github.actor }}"}, "jobs": jobs}), machine)


def test_outputs_and_the_legs_of_a_matrix(machine: Machine) -> None:
    legs = "${{ fromJSON(needs.first.outputs.legs) }}"
    first = job(SETS, outputs={"legs": "${{ steps.set.outputs.legs }}", "none": "${{ steps.set.outputs.none }}"})
    second = job(
        says("$WHO builds $NAME at ghcr.io, ${{ strategy.job-index }}", env={"NAME": "${{ matrix.name }}"}),
        needs="first",
        strategy={"matrix": legs},
    )
    runs = ran(machine, second=second, first=first)
    assert json.loads(runs["first"].outputs["legs"])["include"][1] == {"name": "b"}
    assert runs["first"].outputs["none"] == ""
    assert runs["second"].legs == 2
    assert "somebody builds a at localhost:1, 0" in runs["second"].log
    assert "somebody builds b at localhost:1, 1" in runs["second"].log


def test_a_step_that_fails_ends_a_leg_but_for_what_always_runs(machine: Machine) -> None:
    runs = ran(machine, one=job(FAILS, says("never"), says("at-last", **{"if": "always()"})))
    assert runs["one"].result == "failure"
    assert ("never" in runs["one"].log, "at-last" in runs["one"].log) == (False, True)


def test_a_pipe_hides_what_fails_in_it(machine: Machine) -> None:
    """As in the shell that a step has unless it names one."""
    assert ran(machine, one=job({"run": "false | true"}))["one"].result == "success"


def test_what_was_skipped_skips_all_that_follows(machine: Machine) -> None:
    """So a job needs a condition of its own to run on such a night; actions/runner#2205."""
    own = {"if": "${{ !cancelled() && needs.skipped.result == 'skipped' }}"}
    runs = ran(
        machine,
        failed=job(FAILS),
        skipped=job(says("a"), needs="failed"),
        after=job(says("a"), needs="skipped"),
        own=job(says("a"), needs="skipped", **own),
        last=job(says("a"), needs="own"),
    )
    assert {name: one.result for name, one in runs.items()} == {
        "failed": "failure",
        "skipped": "skipped",
        "after": "skipped",
        "own": "success",
        "last": "skipped",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        job({"uses": "somebody/else@1"}),
        job({"uses": "actions/checkout@1", "with": {"ref": "main"}}, permissions={"contents": "read"}),
        job(says("a", env={"A": "${{ secrets.A }}"})),
        job(says("a"), strategy={"matrix": "${{ fromJSON('{\"include\":[]}') }}"}),
        job({"id": "set", "run": "echo 'a<<EOF' >> $GITHUB_OUTPUT"}),
    ],
)
def test_what_is_not_known_is_refused(machine: Machine, wrong: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        ran(machine, one=wrong)


def test_an_action_needs_its_permission(machine: Machine) -> None:
    assert ran(machine, one=job({"uses": "actions/checkout@1"}))["one"].result == "failure"
    assert ran(machine, one=job({"uses": "actions/deploy-pages@4"}))["one"].result == "failure"


def test_a_job_has_no_program_that_a_runner_lacks(machine: Machine) -> None:
    runs = ran(machine, one=job({"run": "git --version; ! command -v cosign; ! command -v gh"}))
    assert runs["one"].result == "success", runs["one"].log
