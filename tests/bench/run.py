"""Prints what a run costs over plain `docker run`, to the first word of the script: `python tests/bench/run.py IMAGE`.

The image must be one of a row, such as pytorch:2.13-cpu; the three ways take turns, so that a busy machine is busy
for all of them.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from builder import engine
from builder.training import LocalTarget, PyTorch
from builder.training.nodes import container_of
from builder.training.stream import output

ROOT = Path(__file__).parents[2]
ROUNDS = 7
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
        next(output(client, container_of(run.id), follow=True))
    taken = time.perf_counter() - began
    run.wait(show_output=False)
    return taken


def main(image: str) -> None:
    """Measure in turns, and print the medians."""
    version = image.partition(":")[2].partition("-")[0]
    gpu = "-gpu" in image
    with tempfile.TemporaryDirectory() as directory:
        os.environ["FRAMEWORK_IMAGES_RUNS"] = f"{directory}/runs"
        (source := Path(directory, "source")).mkdir()
        (source / "s.py").write_text(SCRIPT)
        flags = [f"--version={version}", *(["--gpu"] if gpu else []), f"--source={source}", "--entry=s.py"]
        estimator = PyTorch(
            source, compute_target=LocalTarget(), entry_script="s.py", framework_version=version, use_gpu=gpu
        )
        ways: dict[str, Callable[[], float]] = {
            "docker run": lambda: first_word(["docker", "run", "--rm", "--init", image, "python", "-uc", SCRIPT]),
            "builder run": lambda: first_word([sys.executable, "-m", "builder", "run", *flags]),
            "submit()": lambda: submitted(estimator),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                times[name].append(way())
    plain = statistics.median(times["docker run"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:12} {median:.2f} s ({min(taken):.2f} to {max(taken):.2f}), {median - plain:+.2f} s")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "pytorch:2.13-cpu")
