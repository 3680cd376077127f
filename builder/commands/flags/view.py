"""The flags of `reference`, `docs`, `image-info` and `diff`."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from builder.catalogue.form_names import FORMS, Form
from builder.commands.flags import shared
from builder.commands.flags.attest import TrustOptions
from builder.commands.flags.kinds import repeatable, switch, value
from builder.commands.options import Options

ASK_REGISTRY = "ask this registry instead of the engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewOptions(TrustOptions):
    """What `image-info` reads: the source of what is known of the images, and the output."""

    registry: str | None = None
    image_info: Path | None = None
    output: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceOptions(ViewOptions):
    """What `reference` reads."""

    form: Form = "reference"
    by_tag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsOptions(ViewOptions):
    """What `docs` reads. `since` are older documents, the oldest first, which tell the history."""

    readme: bool = False
    since: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions(Options):
    """What `diff` reads: two names, each of an image or of a cell."""

    old: str = ""
    new: str = ""


def source(sub: ArgumentParser) -> None:
    """The source of what is known of the images: this engine unless a flag names another."""
    shared.insecure(sub)
    group = sub.add_argument_group("source").add_mutually_exclusive_group()
    value(group, "--registry", "HOST[/PREFIX]", ASK_REGISTRY)
    text = "read a file that `image-info` wrote; ask no engine and no registry"
    value(group, "--image-info", "FILE", text, Path)


def registry(sub: ArgumentParser) -> None:
    shared.insecure(sub)
    value(sub, "--registry", "HOST[/PREFIX]", ASK_REGISTRY)


def output_file(sub: ArgumentParser) -> None:
    value(sub, "--output", "FILE", "write the document there instead of printing it; - prints it", file_or_stdout)


def file_or_stdout(text: str) -> Path | None:
    return None if text == "-" else Path(text)


def reference(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--format",
        choices=FORMS,
        default="reference",
        dest="form",
        help="what the image is used with (default: %(default)s)",
    )
    text = "name the image by its immutable tag, which a registry's owner could move, instead of its digest"
    switch(sub, "--by-tag", text)
    value(sub, "--output", "DIR", "write the files there instead of printing them", Path)


def docs(sub: ArgumentParser) -> None:
    value(sub, "--output", "DIR", "the directory of the catalogue", Path)
    switch(sub, "--readme", "write the table in README.md instead, of all cells; with --check, compare it")
    text = "an older image-info.json, to show what changed; repeatable, the oldest first"
    repeatable(sub, "--since", "since", "FILE", text, Path)


def diff(sub: ArgumentParser) -> None:
    help_ = "a tag or digest that the engine has, or a cell that `list` prints"
    sub.add_argument("old", metavar="A", help=help_)
    sub.add_argument("new", metavar="B", help=help_)
