"""The lines of one rank in the output of a run, where each line begins with its rank."""

import re
from dataclasses import dataclass, field

from builder.errors import InputError
from builder.training.records.run import Sink
from builder.training.request.distribution import Topology

MARK = re.compile(rb"(?:\[[a-z][a-z0-9.-]*\] )?(?:\[([0-9]+)\] |\[[0-9]+,([0-9]+)\]<[a-z]+>:)")
"""`[3] ` of the launcher, perhaps after the pod, `[worker-0] [3] `; `[1,3]<stdout>:` of mpirun."""


def assert_there(topology: Topology, rank: int, run: str) -> None:
    """Raise InputError unless the run has that rank."""
    if not 0 <= rank < topology.world_size:
        there = f"the ranks 0 to {topology.world_size - 1}" if topology.world_size > 1 else "rank 0 only"
        raise InputError(f"{run}: it has no rank {rank}, but {there}", hint=f"python -m builder runs logs {run}")


@dataclass(slots=True)
class RankLines:
    """Passes on the lines of one rank, without their marks, as they come."""

    rank: int
    sink: Sink
    rest: dict[bool, bytes] = field(default_factory=dict)
    """The beginning of a line whose end has not come, of each stream."""

    def __call__(self, is_error: bool, data: bytes) -> None:
        *lines, rest = (self.rest.get(is_error, b"") + data).split(b"\n")
        self.rest[is_error] = rest
        found = b"".join(self._own(line + b"\n") for line in lines)
        if found:
            self.sink(is_error, found)

    def end(self) -> None:
        """Pass on a last line that has no end."""
        for is_error, rest in self.rest.items():
            if own := self._own(rest):
                self.sink(is_error, own)

    def _own(self, line: bytes) -> bytes:
        """The line without its mark; empty when it is of another rank."""
        mark = MARK.match(line)
        is_own = mark is not None and int(mark[1] or mark[2]) == self.rank
        return line[mark.end() :] if mark and is_own else b""
