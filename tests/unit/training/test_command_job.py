"""A run as a command job of Azure ML: words stay words, inputs become expressions."""

import shlex
from dataclasses import replace

import pytest

from builder.errors import InputError
from builder.training.azureml.command_job import command_job
from builder.training.request.distribution import Topology
from builder.training.request.plan import Limits, Mount, RunImage, RunPlan, Snapshot

DIGEST = "sha256:" + "1" * 64
PLAN = RunPlan(
    image=RunImage(reference="1.4-gpu", digest=DIGEST, repository="r.example/pytorch"),
    snapshot=Snapshot(sha256="2" * 64, files=1, size=10, path="/tmp/x"),
    command=(
        "python",
        "train.py",
        "--data",
        "/training/inputs/images",
        "--name",
        "a b; $(rm -rf /) 'x'",
        "--resume-from",
        "/training/resume/model.pt",
    ),
    environment=(("A", "1"), ("AZUREML_DATAREFERENCE_images", "/training/inputs/images")),
    inputs=(
        Mount(source="azureml://datastores/d/paths/images", target="/training/inputs/images"),
        Mount(source="azureml://datastores/d/paths/model.pt", target="/training/resume/model.pt"),
    ),
    limits=Limits(shm=2**31, seconds=600),
    topology=Topology(backend="gloo", nodes=2, processes_per_node=3),
)


def test_words_stay_words_and_inputs_become_expressions() -> None:
    line = str(command_job(PLAN, compute="c", source=".", name="n")["command"])
    assert shlex.split(line) == [
        *("python", "train.py", "--data", "${{inputs.images}}", "--name", "a b; $(rm -rf /) 'x'"),
        *("--resume-from", "${{inputs.resume_from}}"),
    ]


def test_what_azure_ml_would_evaluate_is_refused() -> None:
    with pytest.raises(InputError, match="would evaluate"):
        command_job(replace(PLAN, command=("python", "${{inputs.x}}")), compute="c", source=".", name="n")
