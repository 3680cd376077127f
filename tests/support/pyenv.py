"""The CPython of the 1.x rows, where this host has it."""

import os
import shutil
import subprocess
from pathlib import Path

PYTHON = "3.6.15"


def pyenv_python() -> Path | None:
    """The host's own CPython for the 1.x rows, when its pyenv has it: compiling one takes minutes."""
    candidates = [os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv")]
    if shutil.which("pyenv"):
        candidates.insert(0, subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False).stdout)
    prefixes = [Path(root.strip()) / "versions" / PYTHON for root in candidates if root and root.strip()]
    return next((prefix for prefix in prefixes if (prefix / "bin" / "python3").exists()), None)
