"""What is rehearsed on stand-ins, a part of it on some days: the steps of ubuntu16.04."""

import sys
from pathlib import Path

import pytest

from builder.host.apt_sources import archives
from builder.host.site import Site
from tests.support.rehearsals import ended, silence
from tests.support.rotation import rotating

SECONDS = 55 * 60
"""Half an hour is usual where nothing is cached: Open MPI, a CPython and Horovod are compiled."""
GPU, CPU = "pytorch/1.6.0-gpu-ubuntu16.04", "pytorch/1.0.0-cpu-ubuntu16.04"
PARTS = {
    GPU: ("tests.rehearsal", GPU),
    CPU: ("tests.rehearsal", CPU),
    "unfriendly": ("pytest", "tests/rehearsal/unfriendly.py"),
    "reproduced": ("tests.rehearsal", "--twice", CPU),
}


@pytest.mark.parametrize("part", rotating(*PARTS))
def test_a_part_is_rehearsed(part: str, tmp_path: Path) -> None:
    archive = archives("xenial", Site())[0]
    if why := silence(f"{archive.uri}/dists/{archive.suite}/InRelease"):
        pytest.skip(f"Ubuntu's archive does not answer: {why}")
    log = tmp_path / "log"
    assert ended([sys.executable, "-m", *PARTS[part]], log, SECONDS) == 0, log.read_text("utf-8", "replace")[-20_000:]
