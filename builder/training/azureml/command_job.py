"""The same run as a command job of Azure ML v2: https://learn.microsoft.com/azure/machine-learning/reference-yaml-job-command."""

import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from builder.errors import InputError
from builder.training.request.plan import INPUTS, Mount, RunPlan

SCHEMA = "https://azuremlschemas.azureedge.net/latest/commandJob.schema.json"
EXPRESSION = "${{"
TYPES = {"mpi": "mpi", "gloo": "pytorch", "nccl": "pytorch"}


def command_job(plan: RunPlan, *, compute: str, source: str, name: str) -> dict[str, Any]:
    """The job as the document that `az ml job create --file` reads.

    Inputs are named by their last path element, and their paths must be ones that the workspace can read. Raises
    InputError where the workspace cannot pull the image, or a value would be taken for an expression of Azure ML.
    """
    if plan.image.repository is None:
        raise InputError(
            f"{plan.image.reference}: only this engine has the image, and a workspace pulls from a registry",
            hint="python -m builder push --registry HOST, then name that registry",
        )
    refuse_expressions(plan)
    job: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "command",
        "name": name,
        "code": source,
        "command": command(plan),
        "environment": {"image": f"{plan.image.repository}@{plan.image.digest}"},
        "compute": f"azureml:{compute}",
        "resources": {"instance_count": plan.nodes, "shm_size": f"{plan.limits.shm}b"},
        **dict(optional(plan)),
    }
    if plan.topology.backend:
        distribution = {"type": TYPES[plan.topology.backend], "process_count_per_instance": plan.processes_per_node}
        job["distribution"] = distribution
    return job


def optional(plan: RunPlan) -> Iterator[tuple[str, Any]]:
    """What stands in the document only where the run has it."""
    if plan.limits.seconds is not None:
        yield "limits", {"timeout": plan.limits.seconds}
    if inputs := {input_name(mount): reference(mount) for mount in plan.inputs}:
        yield "inputs", inputs
    places = {mount.target for mount in plan.inputs}
    # Azure ML chooses where inputs are, and names the place AZURE_ML_INPUT_name: a fixed path would be a lie.
    if variables := {key: value for key, value in plan.environment if value not in places}:
        yield "environment_variables", variables


def command(plan: RunPlan) -> str:
    """The command as Azure ML wants it, a line for a shell: every word is quoted, inputs are its expressions."""
    places = {mount.target: f"${{{{inputs.{input_name(mount)}}}}}" for mount in plan.inputs}
    return " ".join(places.get(word) or shlex.quote(word) for word in plan.command)


def input_name(mount: Mount) -> str:
    """An input's own name; the model to resume from has none, and is called so."""
    target = PurePosixPath(mount.target)
    return target.name if target.is_relative_to(INPUTS) else "resume_from"


def reference(mount: Mount) -> dict[str, str]:
    """Where the workspace finds it: a path or a URI; a directory unless its name has a suffix."""
    kind = "uri_file" if PurePosixPath(mount.source).suffix else "uri_folder"
    return {"type": kind, "path": mount.source}


def refuse_expressions(plan: RunPlan) -> None:
    """Raise InputError for every word or value that Azure ML would evaluate instead of passing it on."""
    texts = [*plan.command, *(value for _, value in plan.environment)]
    problems = [f"{text!r}: Azure ML would evaluate {EXPRESSION}...}}}} in it" for text in texts if EXPRESSION in text]
    if problems:
        raise InputError(problems, hint="pass such a value in a file")
