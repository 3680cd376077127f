"""What planning costs. Half of the generated cells have an image, some of them old.

Pure planning of 1,000 and 10,000 generated cells, each size in a process of its own, so that its memory is its own.
"""

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator

from builder.build import plan as planning
from builder.build.fingerprint import Inputs, fingerprint, inputs_of, label
from builder.build.plan import Existing, Wanted
from builder.matrix.tags import Tags
from tests.bench.measured import Measured, Side, run

SIZES = {1_000: 0.6, 10_000: 3.0}
"""The cells, and the seconds they may take."""
MEGABYTES = 200
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
    rolling = tuple(f"{number}{tag}" for tag in ("", "-cpu", "-cpu-debian12", "-latest"))
    tags = Tags(repository="toy", immutable=f"{number}-{mark[:8]}", rolling=rolling)
    return Wanted(name=f"toy/{number}", fingerprint=mark, inputs=made, checks="checks", tags=tags, platform="debian12")


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
                references=one.tags.references,
                created=number,
                verified=frozenset({"checks"}),
            )
        )
    return found


def measure(count: int) -> dict[str, object]:
    """The median seconds of fingerprints and plan together, the most memory this process had, and what was planned."""
    existing, spent = images(count), []
    actions: dict[str, int] = {}
    for _ in range(RUNS):
        began = time.perf_counter()
        decisions = planning.plan([wanted(number) for number in range(count)], existing)
        spent.append(time.perf_counter() - began)
        actions = dict(Counter(one.action for one in decisions))
        del decisions
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": sorted(spent)[RUNS // 2], "memory": memory, "actions": actions}


def plan() -> Iterator[Measured]:
    """Seconds for both sizes, memory for the larger one."""
    memory = 0.0
    for count, aim in SIZES.items():
        found = json.loads(run([sys.executable, "-m", "tests.bench.plan", str(count)]))
        memory, command = float(found["memory"]), f"python -m tests.bench.plan {count}"
        yield Measured(
            work=f"plan of {count:,} generated cells", ours=Side(command=command, value=found["seconds"]), aim=aim
        )
    side = Side(command=command, value=memory, unit="MB")
    yield Measured(work=f"memory of the plan of {count:,} cells", ours=side, aim=MEGABYTES)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
