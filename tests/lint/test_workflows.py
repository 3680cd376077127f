"""The command lines of the workflows are ones that the program takes, and what jobs hand on is there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.commands.parser import options

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
VALUES = {
    "REGISTRY": "ghcr.io/owner",
    "IDENTITY": "https://github.example/o/r/.github/workflows/nightly.yml@refs/heads/main",
}
VALUES |= {
    "ISSUER": "https://token.example",
    "GITHUB_OUTPUT": "output",
    "RUNNER_TEMP": "temp",
    "GITHUB_WORKSPACE": "here",
}

GIVEN = ("GITHUB_OUTPUT", "GITHUB_WORKSPACE", "RUNNER_TEMP")
"""What a runner sets by itself."""


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(name, job, found) for name, one in WORKFLOWS.items() for job, found in one["jobs"].items()]


def commands(job: dict[str, Any]) -> list[list[str]]:
    """The words of each start of the program, with the variables of the job."""
    text = "\n".join(step.get("run", "") for step in job["steps"]).replace("\\\n", " ")
    text = text.replace('"${cells[@]/#/--only=}"', "--only=pytorch/2.13.0-cpu-debian12")
    for name, value in VALUES.items():
        text = text.replace(f'"${name}"', value)
    lines = (line.partition(">>")[0].partition("||")[0] for line in text.splitlines())
    return [shlex.split(line.partition("-m builder ")[2]) for line in lines if "-m builder " in line]


@pytest.mark.parametrize(("workflow", "name", "job"), jobs(), ids=lambda one: one if isinstance(one, str) else "")
def test_each_command_is_one(workflow: str, name: str, job: dict[str, Any]) -> None:
    for words in commands(job):
        assert not [word for word in words if "$" in word], f"{workflow}: {name}: {words}"
        assert options(words).verb == words[0]


@pytest.mark.parametrize(("workflow", "name", "job"), jobs(), ids=lambda one: one if isinstance(one, str) else "")
def test_a_job_has_what_it_reads(workflow: str, name: str, job: dict[str, Any]) -> None:
    """A variable of the workflow, the job or the step; an output of a job that it needs; a login where it reads images."""
    whole = WORKFLOWS[workflow]
    needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
    for other, output in re.findall(r"needs\.(\w+)\.outputs\.(\w+)", str(job)):
        assert other in needed, f"{name} reads {other}"
        assert output in whole["jobs"][other]["outputs"]
    for step in job["steps"]:
        known = {**whole.get("env", {}), **job.get("env", {}), **step.get("env", {}), **dict.fromkeys(GIVEN)}
        assert set(re.findall(r"\$\{?([A-Z][A-Z_]+)", step.get("run", ""))) <= known.keys(), f"{name}: {step}"
    if any("--registry" in words for words in commands(job)):
        assert "packages" in job["permissions"]
        assert any("docker login" in step.get("run", "") for step in job["steps"]), f"{name} reads without a login"
        assert any("cosign-installer" in step.get("uses", "") for step in job["steps"]), f"{name} believes nobody"
        reading = [words for words in commands(job) if "--registry" in words]
        assert all("--certificate-identity" in words for words in reading), f"{name} believes nobody"
