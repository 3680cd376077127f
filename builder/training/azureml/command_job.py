"""Makes the document of a command job of Azure ML v2 from a plan.

The format: https://learn.microsoft.com/azure/machine-learning/reference-yaml-job-command.
"""

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
    """The job as a document for `az ml job create --file`. The workspace must be able to read the paths of the inputs.

    Raises InputError when the image is in no registry, or when Azure ML would evaluate a value as an expression.
    """
    if plan.image.repository is None:
        raise InputError(
            f"{plan.image.reference}: only this engine has the image, but a workspace pulls from a registry",
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
    """The parts of the document for limits, inputs and variables, as far as the run has them."""
    if plan.limits.seconds is not None:
        yield "limits", {"timeout": plan.limits.seconds}
    if inputs := {input_name(mount): reference(mount) for mount in plan.inputs}:
        yield "inputs", inputs
    places = {mount.target for mount in plan.inputs}
    # Azure ML chooses the paths of inputs and gives them in AZURE_ML_INPUT_name, so a fixed path would be wrong.
    if variables := {key: value for key, value in plan.environment if value not in places}:
        yield "environment_variables", variables


def command(plan: RunPlan) -> str:
    """The command as one line for a shell. Every word is quoted; an input is an expression of Azure ML."""
    places = {mount.target: f"${{{{inputs.{input_name(mount)}}}}}" for mount in plan.inputs}
    return " ".join(places.get(word) or shlex.quote(word) for word in plan.command)


def input_name(mount: Mount) -> str:
    """The name of an input; `resume_from` for the checkpoint."""
    target = PurePosixPath(mount.target)
    return target.name if target.is_relative_to(INPUTS) else "resume_from"


def reference(mount: Mount) -> dict[str, str]:
    """The type and the path of an input. A path with a suffix is a file, another a directory."""
    kind = "uri_file" if PurePosixPath(mount.source).suffix else "uri_folder"
    return {"type": kind, "path": mount.source}


def refuse_expressions(plan: RunPlan) -> None:
    """Raise InputError with every word or value that Azure ML would evaluate instead of passing it on."""
    texts = [*plan.command, *(value for _, value in plan.environment)]
    problems = [f"{text!r}: Azure ML would evaluate {EXPRESSION}...}}}} in it" for text in texts if EXPRESSION in text]
    if problems:
        raise InputError(problems, hint="pass such a value in a file")
