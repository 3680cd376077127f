"""What a rehearsal needs of the world, and its end within a time."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.support.command_line import ROOT

GONE = (404, 410)


def silence(url: str, seconds: float = 30) -> str:
    """Why the server does not answer; empty when it does, even if what was asked for is gone."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return "" if error.code in GONE else f"{url}: {error}"
    except OSError as error:
        return f"{url}: {error}"


def ended(command: Sequence[str], log: Path, seconds: float) -> int:
    """The exit code; the command and what it started are ended when the time is up or the test is interrupted."""
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream, start_new_session=True) as process,
    ):
        try:
            return process.wait(seconds)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
