"""What a run costs over plain `docker run`, to the first word of the script.

The three ways take turns, so that a busy machine is busy for all of them.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.host import engine
from builder.training import LocalTarget, PyTorch
from builder.training.local.nodes import container_of
from builder.training.local.output import of_container
from tests.bench.measured import ROOT, Measured, Side
from tests.bench.toys import CPU, real

ROUNDS = 7
HALF_A_SECOND = 0.5
SCRIPT = "print('up', flush=True)"


def first_word(command: list[str]) -> float:
    """Seconds until a command prints."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as child:
        assert child.stdout
        assert child.stdout.readline() == b"up\n", command
        return time.perf_counter() - began


def submitted(estimator: PyTorch) -> float:
    """Seconds from submit() until the script prints, in a process that has everything imported."""
    began = time.perf_counter()
    run = estimator.submit()
    with engine.connected() as client:
        next(of_container(client, container_of(run.id), follow=True))
    taken = time.perf_counter() - began
    run.wait(show_output=False)
    return taken


def run() -> Iterator[Measured]:
    """The medians of both ways of ours beside the plain one, and what the command line costs over it."""
    with real(CPU) as images:
        taken = times(next(tag for tag in images.build()[0]["tags"] if tag.endswith(":2.13-cpu-debian12")))
    plain, command, submit = (statistics.median(one) for one in taken)
    peer = Side(command="docker run --rm --init IMAGE python s.py", value=plain)
    line = Side(command="python -m builder run --version 2.13 --entry s.py", value=command)
    yield Measured(work="a run, to the script's first word", ours=line, peer=peer)
    yield Measured(work="submit(), to the script's first word", ours=Side(command="submit()", value=submit), peer=peer)
    over = Side(command=line.command, value=command - plain)
    yield Measured(work="a run's start over plain docker run", ours=over, aim=HALF_A_SECOND)


def times(image: str) -> list[list[float]]:
    """The seconds of each round: plain, by the command line, from Python."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["FRAMEWORK_IMAGES_RUNS"] = f"{directory}/runs"
        (source := Path(directory, "source")).mkdir()
        (source / "s.py").write_text(SCRIPT)
        flags = ["--version=2.13", f"--source={source}", "--entry=s.py"]
        estimator = PyTorch(source, compute_target=LocalTarget(), entry_script="s.py", framework_version="2.13")
        ways: tuple[Callable[[], float], ...] = (
            lambda: first_word(["docker", "run", "--rm", "--init", image, "python", "-uc", SCRIPT]),
            lambda: first_word([sys.executable, "-m", "builder", "run", *flags]),
            lambda: submitted(estimator),
        )
        rounds = [[way() for way in ways] for _ in range(ROUNDS)]
    return [list(column) for column in zip(*rounds, strict=True)]
