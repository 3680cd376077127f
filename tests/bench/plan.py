"""Prints what planning costs: `python tests/bench/plan.py`. Half of the generated cells have an image, some of them old.

Pure planning of 1,000 and 10,000 generated cells, each size in a process of its own, so that its memory is its own.
"""

import os
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from builder.fingerprint import Inputs, fingerprint, inputs_of, label
from builder.plan import Existing, Wanted, plan

SIZES = (1_000, 10_000)
RUNS = 5
CLOSURE = "".join(f"distribution-{number}==1.{number} --hash=sha256:{'0' * 64}\n" for number in range(60))


def inputs(number: int, vision: str) -> Inputs:
    """A cell as large as a real one: a Dockerfile of some kilobytes, and a closure of sixty distributions."""
    pins = {"torch": f"1.{number}", "torchvision": vision, **{f"pin-{one}": "1.0" for one in range(12)}}
    files = {
        "Dockerfile": f"FROM base\n# {number}\n" + "RUN a line that is constant\n" * 150,
        "requirements/rest.txt": CLOSURE,
        "packages/runtime.txt": "git\nlibopenmpi3\n",
    }
    return inputs_of(
        files=files, row="", pins=pins, platform="debian12/amd64", base="sha256:00", toolchain="sha256:00", stages={}
    )


def wanted(number: int) -> Wanted:
    made = inputs(number, "0.7.0")
    mark = fingerprint(made)
    references = tuple(f"toy:{number}{tag}" for tag in (f"-{mark[:8]}", "", "-cpu", "-cpu-debian12", "-latest"))
    return Wanted(name=f"toy/{number}", fingerprint=mark, inputs=made, checks="checks", references=references)


def images(count: int) -> list[Existing]:
    """An image for every second cell; every fourth cell's is older than its row."""
    found = []
    for number in range(0, count, 2):
        made = inputs(number, "0.6.0" if number % 4 else "0.7.0")
        one = wanted(number)
        mark = fingerprint(made)
        found.append(
            Existing(
                digest=f"sha256:{number:064x}",
                cell=one.name,
                fingerprint=mark,
                label=label(made),
                references=one.references,
                created=number,
                verified=frozenset({"checks"}),
            )
        )
    return found


def measure(count: int) -> None:
    """Print one line: fingerprints and plan, the best of some runs, and the most memory this process had."""
    existing, spent = images(count), []
    for _ in range(RUNS):
        began = time.perf_counter()
        cells = [wanted(number) for number in range(count)]
        middle = time.perf_counter()
        decisions = plan(cells, existing)
        spent.append((time.perf_counter() - began, middle - began, time.perf_counter() - middle))
        actions = dict(Counter(one.action for one in decisions))
        del cells, decisions
    total, prints, planned = min(spent)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:>6} cells: {total:.2f} s ({prints:.2f} fingerprints, {planned:.2f} plan), {memory:.0f} MB, {actions}"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        for size in SIZES:
            subprocess.run([sys.executable, __file__, str(size)], check=True, env={**os.environ, "PYTHONHASHSEED": "0"})
