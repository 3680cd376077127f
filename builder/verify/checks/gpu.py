"""The parts of the checks that need a GPU, for any Python that has torch: no engine, no image, no other package.

    python -m builder.verify.checks.gpu            # with this Python
    python -m builder.verify.checks.gpu --print | ssh HOST python3 -

A line for each part says whether it is right. The exit code is 1 when one is wrong, 2 without a GPU. NCCL wants two.
"""

import os
import sys
from typing import Any

from builder.verify.checks.scripts import TORCH_PARTS

RIGHT: dict[str, Any] = {
    "gloo": [3.0, 0],
    "product": [[19.0, 22.0], [43.0, 50.0]],
    "cuda": 64.0 * 64 * 64,
    "nccl": [3.0, 0],
}
"""What each part of the script gives; the second value of an allreduce is the other process's exit code."""

COUNT = """
import subprocess, sys
asking = [sys.executable, "-c", "import torch; print(torch.cuda.device_count())"]
asked = subprocess.run(asking, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
if asked.returncode:
    sys.exit("%s: %s" % (sys.executable, asked.stderr.decode().strip().split("\\n")[-1]))
COUNT = int(asked.stdout)
PARTS = ["gloo", "product"] + (["nccl"] if COUNT > 1 else []) + (["cuda"] if COUNT else [])
"""
# In a process of its own, and nccl before cuda: what has begun with CUDA may not fork.

JUDGE = """
wrong = [name for name in PARTS if FOUND[name] != {"result": RIGHT[name]}]
for name in PARTS:
    print("%-8s %s" % (name, "wrong" if name in wrong else "right"))
print("%-8s %d" % ("gpus", COUNT))
sys.exit(1 if wrong else 0 if COUNT else 2)
"""


def script() -> str:
    """The whole of it as one script, which imports nothing but torch and the standard library."""
    return f"{COUNT}RIGHT = {RIGHT!r}\n{TORCH_PARTS}{JUDGE}"


def main() -> None:
    """Print the script, or become this Python with it."""
    if sys.argv[1:] == ["--print"]:
        print(script())
    else:
        os.execv(sys.executable, [sys.executable, "-c", script()])  # noqa: S606 (our own script, with this Python)


if __name__ == "__main__":
    main()
