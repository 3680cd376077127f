"""The command line as a subprocess, to its end or beside the test."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.support.polling import until

ROOT = Path(__file__).parents[2]
NOWHERE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """A run of the command line that has ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def images(self) -> list[dict[str, Any]]:
        """The images of a `--format json` document."""
        return list(json.loads(self.out)["images"])


def environment(extra: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """The caller's environment, with the package on its path and temporary files where a test can see them."""
    scratch.mkdir(parents=True, exist_ok=True)
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), **extra}


def builder(
    *argv: str, cwd: Path, scratch: Path, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> CommandResult:
    """`python -m builder ...`, to its end; `before` are words such as those of unshare."""
    began = time.monotonic()
    command = [*before, sys.executable, "-m", "builder", *argv]
    done = subprocess.run(
        command, cwd=cwd, env=environment(env or {}, scratch), capture_output=True, text=True, check=False, timeout=1800
    )
    return CommandResult(code=done.returncode, out=done.stdout, err=done.stderr, seconds=time.monotonic() - began)


@dataclass(slots=True, kw_only=True)
class BackgroundRun:
    """A run that goes on beside the test."""

    process: subprocess.Popen[bytes]
    errors: Path
    stream: TextIO

    @property
    def said(self) -> str:
        return self.errors.read_text("utf-8")

    def until(self, words: str | Callable[[], object], seconds: float = 90) -> None:
        """Wait for words on stderr, or for a condition."""

        def is_so() -> object:
            code = self.process.poll()
            so = words in self.said if isinstance(words, str) else words()
            assert so or code is None, f"it ended with {code}:\n{self.said}"
            return so

        until(is_so, seconds, lambda: f"{words}\n{self.said}")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, seconds: float = 120) -> int:
        return self.process.wait(seconds)
