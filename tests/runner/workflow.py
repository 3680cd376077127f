"""Reads a workflow into values: jobs, what they need, their matrix and their steps; refuses keys that it does not know.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.runner.expressions import RefusedError

WORKFLOW = {"name", "on", "permissions", "concurrency", "env", "jobs"}
JOB = {"name", "needs", "if", "runs-on", "timeout-minutes", "permissions", "outputs", "env", "strategy", "environment"}
JOB |= {"container", "steps"}
STEP = {"name", "id", "if", "uses", "with", "env", "run"}
STRATEGY = {"fail-fast", "matrix"}
LABEL = "ubuntu-latest"
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of `run:`, or an action."""

    name: str
    id: str
    condition: str
    uses: str
    given: Texts
    env: Texts
    run: str

    @property
    def action(self) -> str:
        """The action without its version."""
        return self.uses.partition("@")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is written; its matrix is an expression, or empty."""

    id: str
    needs: tuple[str, ...]
    condition: str
    permissions: Texts
    outputs: Texts
    env: Texts
    matrix: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A file of `.github/workflows`; each job comes after those that it needs."""

    name: str
    env: Texts
    jobs: tuple[Job, ...]

    def job(self, name: str) -> Job:
        return next(one for one in self.jobs if one.id == name)

    def before(self, job: Job) -> tuple[Job, ...]:
        """All jobs that have to end before: those that it needs, and those that they need."""
        direct = [self.job(name) for name in job.needs]
        found = {one.id: one for need in direct for one in (*self.before(need), need)}
        return tuple(found.values())


def read(file: Path) -> Workflow:
    """The workflow in a file; raises RefusedError."""
    # In YAML 1.1, which PyYAML reads, the key `on` is a truth value.
    found = yaml.safe_load(file.read_text("utf-8").replace("\non:", '\n"on":'))
    return workflow(found)


def workflow(found: Mapping[str, Any]) -> Workflow:
    known(found, WORKFLOW, "workflow")
    jobs = {name: job(name, body) for name, body in found["jobs"].items()}
    return Workflow(name=found["name"], env=texts(found.get("env")), jobs=tuple(in_order(jobs)))


def in_order(jobs: Mapping[str, Job]) -> list[Job]:
    """Each job after those that it needs; raises RefusedError for a circle or an unknown name."""
    left, done = dict(jobs), list[Job]()
    while left:
        ready = [one for one in left.values() if not set(one.needs) & left.keys()]
        if not ready or any(name not in jobs for one in ready for name in one.needs):
            raise RefusedError(f"these jobs need each other, or none that is there: {', '.join(left)}")
        done += ready
        left = {name: one for name, one in left.items() if one not in ready}
    return done


def job(name: str, found: Mapping[str, Any]) -> Job:
    known(found, JOB, name)
    if found["runs-on"] != LABEL:
        raise RefusedError(f"{name}: no runner {found['runs-on']!r}")
    strategy = found.get("strategy", {})
    known(strategy, STRATEGY, f"{name}: strategy")
    matrix = strategy.get("matrix", "")
    if not isinstance(matrix, str):
        raise RefusedError(f"{name}: only a matrix that is an expression is known")
    needs = found.get("needs", [])
    return Job(
        id=name,
        needs=(needs,) if isinstance(needs, str) else tuple(needs),
        condition=str(found.get("if", "")),
        permissions=texts(found.get("permissions")),
        outputs=texts(found.get("outputs")),
        env=texts(found.get("env")),
        matrix=matrix,
        steps=tuple(step(name, one) for one in found["steps"]),
    )


def step(job_name: str, found: Mapping[str, Any]) -> Step:
    name = str(found.get("name", found.get("uses", "")))
    known(found, STEP, f"{job_name}: {name}")
    if ("run" in found) == ("uses" in found):
        raise RefusedError(f"{job_name}: {name}: neither a command nor an action, or both")
    return Step(
        name=name,
        id=str(found.get("id", "")),
        condition=str(found.get("if", "")),
        uses=str(found.get("uses", "")),
        given=texts(found.get("with")),
        env=texts(found.get("env")),
        run=str(found.get("run", "")),
    )


def known(found: Mapping[str, Any], keys: set[str], where: str) -> None:
    if unknown := sorted(found.keys() - keys):
        raise RefusedError(f"{where}: what is {', '.join(unknown)}?")


def texts(found: Mapping[str, Any] | None) -> Texts:
    """Values as GitHub hands them on: truth values in small letters."""
    return {name: str(one).lower() if isinstance(one, bool) else str(one) for name, one in (found or {}).items()}
