"""The flags of the verbs that train."""

import os
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from builder.commands.options import Options

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(Options):
    """What `run`, `rerun` and `runs` read."""

    version: str | None = None
    use_gpu: bool = False
    image: str | None = None
    source: Path = Path()
    entry: str | None = None
    nodes: int = 1
    processes_per_node: int = 1
    backend: str | None = None
    environment: tuple[Pair, ...] = ()
    shm_size: str | None = None
    max_duration: int | None = None
    memory: str | None = None
    cpus: float | None = None
    inputs: tuple[Pair, ...] = ()
    secrets: tuple[Pair, ...] = ()
    resume_from: str | None = None
    pip_packages: tuple[str, ...] = ()
    pip_requirements_file: str | None = None
    conda_packages: tuple[str, ...] = ()
    conda_dependencies_file: str | None = None
    arguments: tuple[str, ...] = ()
    runs: Path | None = None
    detach: bool = False
    target: str = "local"
    export: str | None = None
    compute: str | None = None
    registry: str | None = None
    namespace: str | None = None
    context: str | None = None
    pull_secret: str | None = None
    outputs_claim: str | None = None
    source_claim: str | None = None
    action: str = "list"
    names: tuple[str, ...] = ()


def run(sub: ArgumentParser) -> None:
    """What to run, in which image, with what."""
    group = sub.add_argument_group("image")
    group.add_argument("--framework", metavar="NAME", help="pytorch unless another is named")
    group.add_argument("--version", metavar="V", help="1.6 means 1.6.x (default: the framework's)")
    group.add_argument("--gpu", action="store_true", dest="use_gpu", help="the GPU row, and the GPUs of this machine")
    group.add_argument("--platform", metavar="NAME", help="instead of the release's default platform")
    group.add_argument("--image", metavar="REFERENCE", help="an image of your own instead of a row's")
    sub.add_argument(
        "--source", type=Path, default=Path(), metavar="DIR", help="what the script needs (default: this directory)"
    )
    sub.add_argument("--entry", required=True, metavar="SCRIPT", help="the script, relative to --source")
    sub.add_argument("arguments", nargs="*", metavar="-- ARGUMENT", help="the arguments of the script")
    processes(sub)
    limits(sub)
    data(sub)
    packages(sub)


def processes(sub: ArgumentParser) -> None:
    """How many processes there are, and what they talk over."""
    group = sub.add_argument_group("processes")
    group.add_argument("--nodes", type=int, default=1, metavar="N")
    group.add_argument("--processes-per-node", type=int, default=1, metavar="P")
    kind = group.add_mutually_exclusive_group()
    for flag, text in (("--mpi", "mpirun starts them"), ("--gloo", "torch.distributed"), ("--nccl", "on GPUs")):
        kind.add_argument(flag, action="store_const", const=flag.strip("-"), dest="backend", help=text)


def limits(sub: ArgumentParser) -> None:
    """What the run may use."""
    group = sub.add_argument_group("limits")
    group.add_argument("--shm-size", metavar="SIZE", help="shared memory, like 512m (default: 2g)")
    group.add_argument("--max-duration", type=int, metavar="SECONDS", help="end it after this time")
    group.add_argument("--memory", metavar="SIZE", help="end it when it needs more")
    group.add_argument("--cpus", type=float, metavar="N", help="as much time as N processors give")


def data(sub: ArgumentParser) -> None:
    """What the script reads besides its source."""
    group = sub.add_argument_group("data")
    group.add_argument(
        *("-e", "--env"),
        action="append",
        default=[],
        type=variable,
        dest="environment",
        metavar="NAME=VALUE",
        help="a variable; NAME alone takes it from here",
    )
    for flag, dest, place in (("--input", "inputs", "/training/inputs"), ("--secret", "secrets", "/run/secrets")):
        text = f"read-only at {place}/NAME"
        group.add_argument(flag, action="append", default=[], type=pair, dest=dest, metavar="NAME=PATH", help=text)
    group.add_argument("--resume-from", metavar="PATH", help="mounted, and passed to the script as --resume-from")


def packages(sub: ArgumentParser) -> None:
    """What is added to the image; files are relative to --source."""
    group = sub.add_argument_group("packages")
    group.add_argument("--pip-package", action="append", dest="pip_packages", default=[], metavar="REQUIREMENT")
    group.add_argument("--pip-requirements-file", metavar="FILE")
    group.add_argument("--conda-package", action="append", dest="conda_packages", default=[], metavar="SPEC")
    group.add_argument("--conda-dependencies-file", metavar="FILE")


def place(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--runs",
        type=Path,
        metavar="DIR",
        help="where runs are kept (default: $FRAMEWORK_IMAGES_RUNS, or below ~/.local/share)",
    )


def detach(sub: ArgumentParser) -> None:
    sub.add_argument("--detach", action="store_true", help="print the run's name and do not wait for its end")


def rerun(sub: ArgumentParser) -> None:
    sub.add_argument("names", nargs=1, metavar="RUN", help="a name that `runs` prints, its beginning, or `last`")


def runs(sub: ArgumentParser) -> None:
    sub.add_argument("action", nargs="?", default="list", choices=("list", "adopt", "stop", "remove"))
    sub.add_argument("names", nargs="*", metavar="RUN", help="names that `runs` prints, their beginnings, or `last`")


def pair(text: str) -> Pair:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def variable(text: str) -> Pair:
    name, equals, value = text.partition("=")
    if not name or not (equals or name in os.environ):
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE, and no variable of this shell")
    return name, value if equals else os.environ[name]
