"""The flags of the verb that derives environments."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from builder.commands.flags import shared
from builder.commands.flags.kinds import repeatable, value
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveOptions(Options):
    """What `derive` reads besides the common flags."""

    base: str = ""
    pip_packages: tuple[str, ...] = ()
    conda_packages: tuple[str, ...] = ()
    pip_requirements_file: Path | None = None
    conda_dependencies_file: Path | None = None
    channels: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    lock: Path | None = None
    name: str | None = None
    registry: str | None = None


def derive(sub: ArgumentParser) -> None:
    shared.insecure(sub)
    sub.add_argument(
        "--from",
        dest="base",
        required=True,
        metavar="IMAGE",
        help="what it stands on: 1.6-gpu, a name that `list` prints, or any image of ours",
    )
    group = sub.add_argument_group("packages")
    repeatable(group, "--pip-package", "pip_packages", "REQUIREMENT", "a Python package, like 'pandas<3'; repeatable")
    repeatable(group, "--conda-package", "conda_packages", "SPEC", "a package of conda, like ffmpeg; repeatable")
    value(group, "--pip-requirements-file", "FILE", "a requirements.txt", Path)
    value(group, "--conda-dependencies-file", "FILE", "an environment.yml of conda", Path)
    repeatable(group, "--channel", "channels", "CHANNEL", "a channel of conda by name or URL; repeatable")
    repeatable(group, "--override", "overrides", "PACKAGE", "let this package of the image be replaced; repeatable")
    value(sub, "--name", "NAME", "the repository of the tag (default: derived)")
    text = "also publish it there, beside its base: only the new layer is sent"
    value(sub, "--registry", "HOST[/PREFIX]", text)
    value(sub, "--lock", "FILE", "the lock (default: beside the file of the request)", Path)
