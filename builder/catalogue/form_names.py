"""The forms in which `reference` names an image; light to import, as `--help` lists them."""

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
