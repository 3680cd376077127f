"""The flags of the verbs that say what images are."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from builder.catalogue.form_names import FORMS, Form
from builder.commands.flags import shared
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewOptions(Options):
    """Where what is known of the images comes from, and where the answer goes."""

    registry: str | None = None
    image_info: Path | None = None
    output: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceOptions(ViewOptions):
    """In which form, and whether by the immutable tag instead of the digest."""

    form: Form = "reference"
    by_tag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsOptions(ViewOptions):
    """The README's table instead of the catalogue, and older states to tell the history from, the oldest first."""

    readme: bool = False
    since: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions(Options):
    """The two images, or an image and a cell."""

    old: str = ""
    new: str = ""


def source(sub: ArgumentParser) -> None:
    """Where what is known of the images comes from: this engine unless another source is named."""
    shared.insecure(sub)
    group = sub.add_argument_group("source").add_mutually_exclusive_group()
    group.add_argument("--registry", metavar="HOST[/PREFIX]", help="ask this registry instead of the engine")
    group.add_argument("--image-info", type=Path, metavar="FILE", help="read what `image-info` wrote; ask nobody")


def registry(sub: ArgumentParser) -> None:
    shared.insecure(sub)
    sub.add_argument("--registry", metavar="HOST[/PREFIX]", help="the images as this registry has them")


def output_file(sub: ArgumentParser) -> None:
    sub.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of printing it")


def reference(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--format",
        choices=FORMS,
        default="reference",
        dest="form",
        help="what the image is used with (default: %(default)s)",
    )
    sub.add_argument(
        "--by-tag", action="store_true", help="by the immutable tag; a registry's owner could move it, never a digest"
    )
    sub.add_argument("--output", type=Path, metavar="DIR", help="write the files there instead of printing them")


def docs(sub: ArgumentParser) -> None:
    sub.add_argument("--output", type=Path, metavar="DIR", help="the directory of the catalogue")
    sub.add_argument("--readme", action="store_true", help="the table in README.md instead; with --check, compare it")
    sub.add_argument(
        "--since",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="an older image-info.json, to tell what changed; repeatable, the oldest first",
    )


def diff(sub: ArgumentParser) -> None:
    help_ = "a tag or digest that the engine has, or a name that `list` prints: its row"
    sub.add_argument("old", metavar="A", help=help_)
    sub.add_argument("new", metavar="B", help=help_)
