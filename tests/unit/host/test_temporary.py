"""Temporary directories: private, gone after use, and found again when their process was killed."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from builder.errors import BuilderError
from builder.host.temporary import abandoned, is_left, passing, scratch, told_when_full
from tests.support.command_line import ROOT

LEAVE = "import os, builder.host.temporary as s; c = s.scratch(); print(c.__enter__()); os.kill(os.getpid(), 9)"


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


def test_a_name_of_an_image_that_is_handed_on_is_left_only_when_its_process_is_gone() -> None:
    name = passing(5000)
    assert not is_left(name)
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert is_left(name.replace(f":{os.getpid()}-", f":{gone.pid}-"))
    for other in ("127.0.0.1:5000/derive:0123abcd", "ghcr.io/x/y:1", f"{name}-of-another-host", "<none>:<none>"):
        assert not is_left(other.replace(f":{os.getpid()}-", f":{gone.pid}-"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said(number: int) -> None:
    with pytest.raises(BuilderError, match="temporary files are in") as caught, told_when_full():
        raise OSError(number, os.strerror(number))
    assert "TMPDIR" in str(caught.value.hint)


def small(directory: Path, script: str) -> str:
    """What a script says whose working directory is a disk of 64 KB."""
    shell = f'mount -t tmpfs -o size=64k small "{directory}" && cd "{directory}" && exec "$@"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", shell, "sh", sys.executable, "-c", script]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    return done.stderr


def test_a_full_disk_is_named_where_it_is_full(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\nfrom builder.host.temporary import told_when_full\n"
        "with told_when_full(Path('logs')), open('log', 'w') as log:\n    log.write('x' * 100_000)\n"
    )
    assert "BuilderError: logs: No space left on device" in small(tmp_path, script)


def test_another_error_of_the_system_is_no_full_disk() -> None:
    with pytest.raises(PermissionError), told_when_full():
        raise PermissionError(errno.EPERM, "no")
