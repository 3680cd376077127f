"""The command line answers at once: medians of five starts, with twice the time for a noisy machine."""

import statistics
from pathlib import Path

import pytest

from tests.integration.lab import NOWHERE, ROOT, builder


@pytest.mark.parametrize(("argument", "limit"), [("--help", 0.1), ("--version", 0.1), ("list", 0.4)])
def test_start(tmp_path: Path, argument: str, limit: float) -> None:
    runs = [builder(argument, cwd=ROOT, scratch=tmp_path, env=NOWHERE) for _ in range(5)]
    assert {run.code for run in runs} == {0}
    median = statistics.median(run.seconds for run in runs)
    print(f"{argument}: {median:.3f} s (wanted: {limit} s)")
    assert median < 2 * limit
