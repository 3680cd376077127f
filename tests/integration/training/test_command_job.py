"""A run as a command job is what Azure ML's own loader reads; here, as importing it takes seconds."""

from pathlib import Path
from typing import Any

import yaml
from azure.ai.ml import load_job

from builder.training.azureml.command_job import command_job
from tests.support.run_plans import AZUREML_PLAN, DIGEST


def test_the_loader_of_azure_ml_reads_it(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(command_job(AZUREML_PLAN, compute="gpus", source="src", name="run-1")), "utf-8")
    job: Any = load_job(file)
    assert job.environment.image == f"r.example/pytorch@{DIGEST}"
    assert (job.resources.instance_count, job.distribution.process_count_per_instance) == (2, 3)
    assert job.limits.timeout == 600
    assert {name: one.type for name, one in job.inputs.items()} == {"images": "uri_folder", "resume_from": "uri_file"}
    assert job.environment_variables == {"A": "1"}
