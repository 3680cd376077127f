"""A run as a command job of Azure ML: words stay words, inputs become expressions."""

import shlex
from dataclasses import replace

import pytest

from builder.errors import InputError
from builder.training.azureml.command_job import command_job
from tests.support.run_plans import AZUREML_PLAN


def test_words_stay_words_and_inputs_become_expressions() -> None:
    line = str(command_job(AZUREML_PLAN, compute="c", source=".", name="n")["command"])
    assert shlex.split(line) == [
        *("python", "train.py", "--data", "${{inputs.images}}", "--name", "a b; $(rm -rf /) 'x'"),
        *("--resume-from", "${{inputs.resume_from}}"),
    ]


def test_what_azure_ml_would_evaluate_is_refused() -> None:
    with pytest.raises(InputError, match="would evaluate"):
        command_job(replace(AZUREML_PLAN, command=("python", "${{inputs.x}}")), compute="c", source=".", name="n")
