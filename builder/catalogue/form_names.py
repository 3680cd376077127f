"""The names of the forms in which `reference` writes an image; apart from `forms`, as `--help` has to start fast."""

from typing import Literal, get_args

Form = Literal[
    "reference",
    "custom_docker_image",
    "azureml-v1",
    "azureml-v2-image",
    "azureml-v2-build",
    "docker-run",
    "kubernetes",
    "devcontainer",
]
FORMS: tuple[Form, ...] = get_args(Form)
