"""The flags of the verb that derives environments."""

from argparse import ArgumentParser, _ArgumentGroup
from dataclasses import dataclass
from pathlib import Path

from builder.commands.flags import shared
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
    many(group, "--pip-package", "pip_packages", "REQUIREMENT", "a Python package, like 'pandas<3'; repeatable")
    many(group, "--conda-package", "conda_packages", "SPEC", "a package of conda, like ffmpeg; repeatable")
    group.add_argument("--pip-requirements-file", type=Path, metavar="FILE", help="a requirements.txt")
    group.add_argument("--conda-dependencies-file", type=Path, metavar="FILE", help="an environment.yml of conda")
    many(group, "--channel", "channels", "CHANNEL", "a channel of conda by name or URL; repeatable")
    many(group, "--override", "overrides", "PACKAGE", "let this package of the image be replaced; repeatable")
    sub.add_argument("--name", metavar="NAME", help="the repository of the tag (default: derived)")
    sub.add_argument(
        "--registry", metavar="HOST[/PREFIX]", help="also publish it there, beside its base: only the new layer is sent"
    )
    sub.add_argument("--lock", type=Path, metavar="FILE", help="the lock (default: beside the file of the request)")


def many(group: _ArgumentGroup, flag: str, name: str, metavar: str, text: str) -> None:
    group.add_argument(flag, dest=name, action="append", default=[], metavar=metavar, help=text)
