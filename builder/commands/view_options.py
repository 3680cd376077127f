"""The options of the verbs that say what images are: reference, image-info, docs."""

from dataclasses import dataclass
from pathlib import Path

from builder.catalogue.form_names import Form
from builder.commands.options import Options


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
