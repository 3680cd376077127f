"""The flags of the verbs that train."""

import math
import os
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from builder.commands.flags.durations import YEAR, within
from builder.commands.flags.env_files import env_file
from builder.commands.flags.kinds import repeatable, switch, value
from builder.commands.options import Options

Pair = tuple[str, str]
ARGUMENTS = {
    "source_directory": "--source",
    "entry_script": "--entry",
    "entry_script=Module": "--module",
    "script_params": "the script's arguments",
    "node_count": "--nodes",
    "process_count_per_node": "--processes-per-node",
    "distributed_training: Mpi(), Gloo() or Nccl()": "--mpi, --gloo or --nccl",
    "distributed_training=mpi": "--mpi",
    "distributed_training=gloo": "--gloo",
    "distributed_training=nccl": "--nccl",
    "use_gpu=True": "--gpu",
    "use_gpu=False": "--cpu",
    "custom_docker_image": "--image",
    "pip_packages": "--pip-package",
    "pip_requirements_file": "--pip-requirements-file",
    "conda_packages": "--conda-package",
    "conda_dependencies_file": "--conda-dependencies-file",
    "environment_variables": "--env",
    "inputs": "--input",
    "shm_size": "--shm-size",
    "resume_from": "--resume-from",
    "max_run_duration_seconds": "--max-duration",
    "framework_version": "--version",
}
"""What the arguments of an estimator are called on the command line."""
ACTIONS = ("list", "show", "logs", "adopt", "stop", "remove")
OWN_FAILURE = 125
"""The exit code of a verb that trains, where not the script failed but the verb. `docker run` has the same."""
EXIT_CODES = f"""exit codes: the script's own, and as docker and timeout have them:
  124 the limit of time is reached
  {OWN_FAILURE} the verb itself failed: a wrong flag, no image, no engine, or nobody saw how the run ended
  126 the script cannot be executed
  127 what should execute the script is not in the image
  130 interrupted
  137 killed, e.g. for want of memory
  143 stopped by `runs stop`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(Options):
    """What `run`, `rerun` and `runs` read."""

    version: str | None = None
    use_gpu: bool = False
    image: str | None = None
    source: Path = Path()
    entry: str | None = None
    module: str | None = None
    shell: str | None = None
    nodes: int = 1
    processes_per_node: int = 1
    backend: str | None = None
    environment: tuple[Pair, ...] = ()
    env_files: tuple[tuple[Pair, ...], ...] = ()
    shm_size: str | None = None
    max_duration: int | None = None
    memory: str | None = None
    cpus: float | None = None
    pids_limit: int | None = None
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
    follow: bool = False
    rank: int | None = None


def run(sub: ArgumentParser) -> None:
    """What to run, in which image, with what."""
    group = sub.add_argument_group("image")
    value(group, "--framework", "NAME", "pytorch unless another is named")
    value(group, "--version", "V", "1.6 means 1.6.x (default: the framework's)")
    device = group.add_mutually_exclusive_group()
    device.add_argument("--cpu", action="store_false", dest="use_gpu", help="the CPU row, which is the default")
    switch(device, "--gpu", "the GPU row, and the GPUs of this machine", dest="use_gpu")
    value(group, "--platform", "NAME", "instead of the release's default platform")
    value(group, "--image", "REFERENCE", "an image of your own instead of a row's")
    value(sub, "--source", "DIR", "what the script needs (default: this directory)", Path)
    entry = sub.add_mutually_exclusive_group(required=True)
    text = "the script, relative to --source: Python, or what its first line names"
    entry.add_argument("--entry", metavar="SCRIPT", help=text)
    entry.add_argument("-m", "--module", metavar="MODULE", help="instead of a script, a module, as `python -m` has it")
    text = "a prompt in place of a script, with the same mounts; PROGRAM is bash, python or another of the image"
    entry.add_argument("--shell", nargs="?", const="bash", metavar="PROGRAM", help=text)
    text = "the script's arguments: what is no flag of this verb, and all that follows --"
    sub.add_argument("arguments", nargs="*", metavar="ARGUMENT", help=text)
    processes(sub)
    limits(sub)
    data(sub)
    packages(sub)


def processes(sub: ArgumentParser) -> None:
    """How many processes there are, and what they talk over."""
    group = sub.add_argument_group("processes")
    value(group, "--nodes", "N", kind=count)
    value(group, "--processes-per-node", "P", kind=count)
    kind = group.add_mutually_exclusive_group()
    for flag, text in (("--mpi", "mpirun starts them"), ("--gloo", "torch.distributed"), ("--nccl", "on GPUs")):
        kind.add_argument(flag, action="store_const", const=flag.strip("-"), dest="backend", help=text)


def limits(sub: ArgumentParser) -> None:
    """What the run may use."""
    group = sub.add_argument_group("limits")
    value(group, "--shm-size", "SIZE", "shared memory, like 512m or 8GiB (default: 2g)", size)
    value(group, "--max-duration", "TIME", "end it after this time, like 90s or 1h30m", within(1, YEAR))
    value(group, "--memory", "SIZE", "end it when it needs more, like 8g", size)
    value(group, "--cpus", "N", "as much time as N processors give", processors)
    value(group, "--pids-limit", "N", "processes and threads at once (default: 16384)", count)


def data(sub: ArgumentParser) -> None:
    """What the script reads besides its source."""
    group = sub.add_argument_group("data")
    text = "a variable; NAME alone takes it from here"
    group.add_argument(
        "-e", "--env", action="append", type=variable, dest="environment", metavar="NAME=VALUE", help=text
    )
    text = "a file of such lines, as docker reads it; -e counts more; repeatable"
    repeatable(group, "--env-file", "env_files", "FILE", text, env_file)
    repeatable(group, "--input", "inputs", "NAME=PATH", "read-only at /training/inputs/NAME", pair)
    repeatable(group, "--secret", "secrets", "NAME=PATH", "read-only at /run/secrets/NAME", secret)
    value(group, "--resume-from", "PATH", "mounted, and passed to the script as --resume-from")


def packages(sub: ArgumentParser) -> None:
    """What is added to the image; files are relative to --source."""
    group = sub.add_argument_group("packages")
    repeatable(group, "--pip-package", "pip_packages", "REQUIREMENT")
    value(group, "--pip-requirements-file", "FILE")
    repeatable(group, "--conda-package", "conda_packages", "SPEC")
    value(group, "--conda-dependencies-file", "FILE")


def place(sub: ArgumentParser) -> None:
    text = "where runs are kept (default: $FRAMEWORK_IMAGES_RUNS, or below ~/.local/share)"
    value(sub, "--runs", "DIR", text, Path)


def detach(sub: ArgumentParser) -> None:
    switch(sub, "--detach", "print the run's name and do not wait for its end")


def rerun(sub: ArgumentParser) -> None:
    sub.add_argument("names", nargs=1, metavar="RUN", help="a name that `runs` prints, its beginning, or `last`")


def runs(sub: ArgumentParser) -> None:
    sub.add_argument("action", nargs="?", default="list", choices=ACTIONS)
    sub.add_argument("names", nargs="*", metavar="RUN", help="names that `runs` prints, their beginnings, or `last`")
    group = sub.add_argument_group("logs")
    text = "with logs: go on with what the run prints, until its end; Ctrl-C leaves the run alone"
    group.add_argument("-f", "--follow", action="store_true", help=text)
    value(group, "--rank", "N", "with logs: what this rank printed, without its mark", rank)


def rank(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not the number of a rank, from 0 on")
    return int(text)


def size(text: str) -> str:
    """A size as it was written, which the target reads. Raises ArgumentTypeError."""
    from builder.training.request import sizes  # its package brings what --help can do without

    if sizes.size(text) is None:
        raise ArgumentTypeError(f"{text!r} is not a size like 512m, 8g or 8GiB")
    return text


def pair(text: str) -> Pair:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def secret(text: str) -> Pair:
    """The name and the file of a secret. Raises ArgumentTypeError when a run could not have it."""
    from builder.training.request import resources

    name, path = pair(text)
    if problem := resources.secret_problem(name, path):
        raise ArgumentTypeError(problem)
    return name, path


def count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def processors(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return found


def variable(text: str) -> Pair:
    name, equals, value = text.partition("=")
    if not name or not (equals or name in os.environ):
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE, and no variable of this shell")
    return name, value if equals else os.environ[name]
