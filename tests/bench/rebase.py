"""A base whose digest moved, beside the same row from nothing: a toy with a step that compiles."""

import re
from collections.abc import Iterator

from tests.bench.measured import Measured, Side
from tests.bench.toys import built, insert, toy
from tests.support.base_cache import move_base, own_cache, stages_that_ran

COMPILE = r"""
RUN printf '#include <map>\n#include <regex>\nint f(char *s) { return std::regex_match(s, std::regex("a+")); }\n' >/f.cc \
    && for number in {1..12}; do g++ -O2 -c /f.cc -o "/f$number.o" || exit 1; done \
    && mkdir -p /layer/srv && cp /f*.o /layer/srv
"""
STAGE = "FROM installer AS environment\n"


STEP = re.compile(r"^ *([\d.]+) (START|DONE) (\[\S+ \d+/\d+\] [A-Z]+|export\w+)", re.MULTILINE)
SHOWN = 3


def rebase() -> Iterator[Measured]:
    """Seconds with all checks, and how many steps of stages that compile or download ran."""
    with toy(tools=("g++",)) as project:
        insert(project, "image.j2", STAGE, COMPILE.lstrip("\n"))
        cache, env = own_cache(project)
        built(project, "--version=1", env=env)
        move_base(cache, project.root)
        moved = built(project, "--version=1", env=env)
        steps, longest = stages_that_ran(project) - {"system"}, slowest(project.log.read_text("utf-8"))
        insert(project, "image.j2", STAGE, "ENV BENCH=again\n")
        nothing = built(project, "--version=1", "--no-cache", env=env)
        yield Measured(
            work="base digest moved, a row with a small compile step",
            note=f"the longest of ours: {longest}",
            ours=Side(command="python -m builder build --version 1", value=moved.seconds),
            peer=Side(command="python -m builder build --version 1 --no-cache", value=nothing.seconds),
            aim=0.05,
        )
        yield Measured(
            work="base digest moved: steps that compile or download",
            ours=Side(command="python -m builder build --version 1", value=len(steps), unit="steps"),
            aim=0,
        )


def slowest(log: str) -> str:
    """The steps of a build's log that took longest, with their seconds."""
    began: dict[str, float] = {}
    taken: dict[str, float] = {}
    for moment, word, step in STEP.findall(log):
        if word == "START":
            began[step] = float(moment)
        else:
            taken[step] = float(moment) - began.get(step, float(moment))
    longest = sorted(taken.items(), key=lambda entry: -entry[1])[:SHOWN]
    return ", ".join(f"{step} {value:.1f} s" for step, value in longest)
