"""Open MPI starts two processes in an unprivileged container without a network, and they reach each other."""

import pytest

from builder.verify.checks.plugin import Python
from builder.verify.checks.scripts import MPI_SUM, MPIRUN


@pytest.mark.applies(when=lambda subject: "openmpi" in subject.promise.pins)
def test_sum_of_two_processes(python: Python) -> None:
    printed = python(MPI_SUM, before=MPIRUN)
    lines = sorted(line for line in printed.splitlines() if line.startswith("rank "))
    assert lines == ["rank 0 of 2: 3.0", "rank 1 of 2: 3.0"], f"the processes say {lines}"
