"""Temporary directories: private, gone after use, and found again when their process was killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from builder.scratch import abandoned, scratch

LEAVE = "import os, builder.scratch as s; c = s.scratch(); print(c.__enter__()); os.kill(os.getpid(), 9)"


def test_a_directory_is_private_and_gone_after_use() -> None:
    with scratch() as directory:
        assert directory.stat().st_mode & 0o777 == 0o700
        assert directory not in abandoned()
    assert not directory.exists()


def test_a_killed_process_leaves_one_that_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = subprocess.run(
        [sys.executable, "-u", "-c", LEAVE], env=environment, capture_output=True, text=True, check=False
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert killed.returncode == -9
    assert abandoned() == [Path(killed.stdout.strip())]
