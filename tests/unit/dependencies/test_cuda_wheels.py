"""Which CPU cells hold the wheel that was built for CUDA comes from the lock."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.dependencies.cuda_wheels import MEANING, cuda_of
from builder.dependencies.lockfile import Lock, load
from builder.matrix.load import load as load_matrix

ROOT = Path(__file__).parents[3]
CELLS = load_matrix(ROOT / "matrix.yaml").cells
LOCK = load(ROOT / "builder.lock")
NAME = "pytorch/1.6.0-cpu-debian12"


def test_every_1_x_row_has_it_and_no_other() -> None:
    found = cuda_of(CELLS, LOCK)
    assert len(found) == 14
    assert all("/1." in name and "-cpu-" in name for name in found)
    assert (found[NAME], found["pytorch/1.0.0-cpu-ubuntu16.04"]) == ("10.2", "9.0")


def test_a_wheel_of_its_own_or_no_lock_says_nothing() -> None:
    closure = LOCK.closures[NAME]
    own = [replace(one, sha256="0" * 64) if one.name == "torch" else one for one in closure.distributions]
    lock = replace(LOCK, closures={**LOCK.closures, NAME: replace(closure, distributions=tuple(own))})
    assert cuda_of(CELLS, LOCK).keys() - cuda_of(CELLS, lock).keys() == {NAME}
    assert cuda_of(CELLS, Lock(closures={})) == {}


def test_list_says_so_in_the_row(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["list", f"--matrix={ROOT}/matrix.yaml", "--version=1.6", "--cpu", "--platform=debian12"]
    assert main(flags) == 0
    said = capsys.readouterr().out
    assert "torch with CUDA 10.2" in said
    assert f"torch with CUDA: {MEANING}" in said
    assert main([*flags, "--format=json"]) == 0
    assert [one["cuda-in-cpu-torch"] for one in json.loads(capsys.readouterr().out)["images"]] == ["10.2"]
