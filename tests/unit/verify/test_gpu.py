"""The script of the GPU parts is one that runs by itself, with whatever calls itself torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from builder.verify.checks.gpu import script

TORCH = """
class Tensor(list):
    def mm(self, other): return self
    def tolist(self): return {product}
    def item(self): return {cuda}
    def sum(self): return self
def tensor(*values, **_): return Tensor()
def ones(*_, **__): return Tensor()
def device(*_): return "cuda"
class cuda:
    device_count = staticmethod(lambda: {count})
    is_available = staticmethod(lambda: True)
"""
RIGHT = "[[19.0, 22.0], [43.0, 50.0]]"


@pytest.mark.parametrize(
    ("values", "code", "says"),
    [
        (
            {"product": RIGHT, "cuda": "262144.0", "count": "1"},
            1,
            {"gloo": "wrong", "product": "right", "cuda": "right"},
        ),
        ({"product": "[]", "cuda": "1.0", "count": "1"}, 1, {"product": "wrong", "cuda": "wrong", "gpus": "1"}),
        ({"product": RIGHT, "cuda": "1.0", "count": "0"}, 1, {"product": "right", "gpus": "0"}),
    ],
)
def test_each_part_is_judged(values: dict[str, str], code: int, says: dict[str, str], tmp_path: Path) -> None:
    text = TORCH
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    (tmp_path / "torch.py").write_text(text)
    command = [sys.executable, "-c", script()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    lines = dict(line.split() for line in done.stdout.splitlines() if not line.startswith("PART "))
    assert (done.returncode, {name: lines[name] for name in says}) == (code, says), done.stderr
