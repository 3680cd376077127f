"""The same cell built twice in each of two surroundings: another directory, locale, time zone (another day), umask."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measured import ROOT, BenchError, Measured, Side
from tests.bench.toys import CPU, PREFIX, SKLEARN, site_file

PARTS = ("builder", "images", "templates", "matrix.yaml", "builder.lock")
HERE = {"LC_ALL": "C", "TZ": "UTC"}
ELSEWHERE = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"}


def same() -> Iterator[Measured]:
    """The small image."""
    yield of(SKLEARN)


def large_same() -> Iterator[Measured]:
    """PyTorch 2.13 for CPU."""
    yield of(CPU)


def of(cell: str) -> Measured:
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-") as name:
        copy, site = Path(name, "another place"), site_file(Path(name))
        copy.mkdir()
        for part in PARTS:
            (shutil.copytree if (ROOT / part).is_dir() else shutil.copy2)(ROOT / part, copy / part)
        digests = {reproduced(cell, ROOT, HERE, 0o022, site), reproduced(cell, copy, ELSEWHERE, 0o077, site)}
    return Measured(
        work=f"four builds of {cell} from scratch: digests",
        note="two directories, locales, time zones and umasks",
        ours=Side(command=f"python -m builder reproduce {cell}", value=len(digests), unit="digests"),
        aim=1,
    )


def reproduced(cell: str, root: Path, surroundings: dict[str, str], umask: int, site: Path) -> str:
    """The digest that two builds gave; raises BenchError when they differ."""
    argv = [sys.executable, "-m", "builder", "reproduce", cell, f"--site={site}", "--format=json"]
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-") as logs:
        done = subprocess.run(
            [*argv, f"--log-dir={logs}"],
            cwd=root,
            env={**os.environ, **surroundings, "PYTHONPATH": str(root)},
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise BenchError(f"{cell}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return str(json.loads(done.stdout)["images"][0]["digest"])
