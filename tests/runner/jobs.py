"""Runs the jobs of a workflow on a machine: in order, each leg of a matrix, with the results that GitHub would give."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.runner.actions import ActionError, Place, act
from tests.runner.expressions import RefusedError, Scope, condition, evaluated, interpolated
from tests.runner.machine import REGISTRY, Machine
from tests.runner.workflow import Job, Step, Texts, Workflow

SUCCESS, FAILURE, SKIPPED = "success", "failure", "skipped"
SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """How a job ended; its legs wrote one log."""

    result: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    legs: int = 0


Runs = dict[str, JobRun]


@dataclass(slots=True, kw_only=True)
class Progress:
    """A leg of a job while it runs."""

    contexts: dict[str, Any]
    env: dict[str, str]
    log: list[str] = field(default_factory=list)
    succeeded: bool = True

    @property
    def scope(self) -> Scope:
        return Scope(contexts=self.contexts, succeeded=self.succeeded)

    def texts(self, found: Texts) -> dict[str, str]:
        return {name: interpolated(text, self.scope) for name, text in found.items()}


def night(workflow: Workflow, machine: Machine) -> Runs:
    """Run every job, with nothing of what an earlier night handed on."""
    for left in (machine.artifacts, machine.pages, machine.directory / "work"):
        shutil.rmtree(left, ignore_errors=True)
    runs: Runs = {}
    for job in workflow.jobs:
        runs[job.id] = job_run(workflow, job, machine, runs)
    return runs


def job_run(workflow: Workflow, job: Job, machine: Machine, runs: Runs) -> JobRun:
    """Run one job after others, which ended as given."""
    contexts = {"github": machine.github(job.permissions), "needs": needs(workflow, job, runs)}
    succeeded = all(runs[one.id].result == SUCCESS for one in workflow.before(job))
    if not condition(job.condition, Scope(contexts=contexts, succeeded=succeeded)):
        return JobRun(result=SKIPPED)
    legs = [leg(workflow, job, machine, {**contexts, **one}) for one in matrix(job, Scope(contexts=contexts))]
    return JobRun(
        result=SUCCESS if all(one.succeeded for one in legs) else FAILURE,
        outputs=legs[-1].texts(job.outputs),
        log="".join(line for one in legs for line in one.log),
        legs=len(legs),
    )


def needs(workflow: Workflow, job: Job, runs: Runs) -> dict[str, Any]:
    """The context `needs`: an output that a job declares and did not set is empty."""
    return {
        name: {
            "result": runs[name].result,
            "outputs": {**dict.fromkeys(workflow.job(name).outputs, ""), **runs[name].outputs},
        }
        for name in job.needs
    }


def matrix(job: Job, scope: Scope) -> Sequence[dict[str, Any]]:
    """The contexts of each leg; GitHub refuses a matrix without one."""
    text = job.matrix.strip()
    if not text:
        return [{}]
    found = evaluated(text.removeprefix("${{").removesuffix("}}"), scope)
    if set(found) != {"include"} or not found["include"]:
        raise RefusedError(f"{job.id}: a matrix without legs, or of another form: {found}")
    return [{"matrix": one, "strategy": {"job-index": number}} for number, one in enumerate(found["include"])]


def leg(workflow: Workflow, job: Job, machine: Machine, contexts: dict[str, Any]) -> Progress:
    directory = machine.directory / "work" / f"{job.id}-{contexts.get('strategy', {}).get('job-index', 0)}"
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "temp").mkdir(parents=True)
    steps = {one.id: {"outputs": dict.fromkeys(outputs_named(job, one.id), "")} for one in job.steps if one.id}
    progress = Progress(contexts={**contexts, "runner": {"temp": str(directory / "temp")}, "steps": steps}, env={})
    path = machine.path(directory / "bin")
    place = Place(
        machine=machine, workspace=directory / "here", programs=directory / "bin", permissions=job.permissions
    )
    progress.env = {
        **machine.variables(job.permissions),
        "PATH": path,
        "RUNNER_TEMP": str(directory / "temp"),
        "GITHUB_WORKSPACE": str(place.workspace),
        "GITHUB_OUTPUT": str(directory / "output"),
        "DOCKER_CONFIG": str(directory / "docker"),
        "GIT_CONFIG_GLOBAL": str(directory / "gitconfig"),
        "TMPDIR": str(directory / "temp"),
    }
    for found in (workflow.env, job.env):
        progress.env |= progress.texts(found)
    for one in job.steps:
        if condition(one.condition, progress.scope):
            perform(one, place, progress)
    return progress


def outputs_named(job: Job, step: str) -> Iterator[str]:
    """The outputs of a step that some text of its job names."""
    texts = [*job.outputs.values(), *(one.condition for one in job.steps)]
    texts += [text for one in job.steps for text in (*one.env.values(), *one.given.values())]
    for text in texts:
        for part in text.split(f"steps.{step}.outputs.")[1:]:
            yield part.split()[0].rstrip("}")


def perform(step: Step, place: Place, progress: Progress) -> None:
    """Take one step, and note what it said and set."""
    progress.log.append(f"=== {step.name}\n")
    try:
        if step.uses:
            act(step.action, place, progress.texts(step.given))
        else:
            command(step, place, progress)
    except ActionError as error:
        progress.succeeded = False
        progress.log.append(f"{error}\n")


def command(step: Step, place: Place, progress: Progress) -> None:
    """Run the lines as the runner's default shell does: until one fails, whatever a pipe hides."""
    script = place.workspace.parent / "script"
    script.write_text(interpolated(step.run, progress.scope).replace(REGISTRY, place.machine.registry))
    output = place.workspace.parent / "output"
    output.write_text("")
    place.workspace.mkdir(exist_ok=True)
    done = subprocess.run(
        ["bash", "-e", script],
        cwd=place.workspace,
        env={**progress.env, **progress.texts(step.env)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    progress.log.append(done.stdout)
    if step.id:
        progress.contexts["steps"][step.id]["outputs"] |= set_outputs(output.read_text())
    if done.returncode:
        raise ActionError(f"exit {done.returncode}")


def set_outputs(text: str) -> dict[str, str]:
    """What a step wrote into its file of outputs; raises RefusedError for lines of another form."""
    lines = [line.partition("=") for line in text.splitlines()]
    if any(not sign or "<<" in name for name, sign, _ in lines):
        raise RefusedError(f"outputs are lines of NAME=VALUE: {text!r}")
    return {name: value for name, _, value in lines}
