"""The options of the verbs that say what images are: reference, image-info, docs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from builder.commands.options import Options

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing(Options):
    """Where what is known of the images comes from, and where the answer goes."""

    registry: str | None = None
    image_info: Path | None = None
    output: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referring(Viewing):
    """In which form, and whether by the immutable tag instead of the digest."""

    form: Form = "reference"
    by_tag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Documenting(Viewing):
    """The README's table instead of the catalogue, and older states to tell the history from, the oldest first."""

    readme: bool = False
    since: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing(Options):
    """The two images, or an image and a cell."""

    old: str = ""
    new: str = ""
