"""What a benchmark finds: a figure of ours beside a peer's of the same run, and how both are timed and shown."""

import os
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = "| work | ours | peer | ratio | aim | | load |\n|---|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two: a command that a person can repeat, and what it took."""

    command: str
    value: float
    unit: str = "s"

    def __str__(self) -> str:
        digits = 3 if self.value < 1 else 2 if self.value < 10 else 1
        return f"{self.value:.{digits}f} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A line of the table. Without a peer the aim is a bound of our own figure; without an aim the line only tells."""

    work: str
    ours: Side
    peer: Side | None = None
    aim: float | None = None
    note: str = ""
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    """Of this machine in the last minute, when the measurement ended."""

    @property
    def figure(self) -> float:
        """What is compared with the aim."""
        return self.ours.value / self.peer.value if self.peer else self.ours.value

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        return "met" if self.figure <= self.aim else "**missed**"


class BenchError(Exception):
    """A command of a benchmark failed: its figure would mean nothing."""


def run(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> str:
    """What a command prints; raises BenchError with its last words when it fails."""
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env=surroundings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"{shlex.join(str(word) for word in argv)[:300]}\n{(done.stderr or done.stdout)[-1500:]}")
    return done.stdout


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The median of each; they take turns, so that a busy machine is busy for all of them."""
    taken = [[seconds(work) for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def line(one: Measured) -> str:
    """The line of the table, in Markdown."""
    peer = f"{one.peer}: `{one.peer.command}`" if one.peer else "itself"
    aim = "" if one.aim is None else f"≤ {one.aim:g}" if one.peer else f"≤ {one.aim:g} {one.ours.unit}"
    ratio = f"{one.figure:.3f}" if one.peer else ""
    work = f"{one.work}; {one.note}" if one.note else one.work
    return f"| {work} | {one.ours}: `{one.ours.command}` | {peer} | {ratio} | {aim} | {one.verdict} | {one.load:.1f} |"


def table(found: Iterable[Measured]) -> str:
    return "\n".join([HEAD, *(line(one) for one in found)])
