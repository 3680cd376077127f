"""The only importer of subprocess: runs a `Command`, and kills its whole process group when interrupted."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from builder.command import Command
from builder.errors import EngineError

GRACE_SECONDS = 5.0
PIPE = subprocess.PIPE
Child = subprocess.Popen[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command printed, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str


def run(command: Command, *, timeout: float | None = None, stdin: str | None = None) -> Result:
    """Run to the end, capturing both streams; raises EngineError when the program does not exist or hangs."""
    with started(command, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL) as child:
        try:
            stdout, stderr = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise EngineError(f"no answer within {timeout:.0f} s: {command}", hint="python -m builder doctor") from None
    return Result(exit_code=child.returncode, stdout=stdout, stderr=stderr)


def stream(command: Command, on_line: Callable[[str], None]) -> int:
    """Run to the end, giving each line of stderr to `on_line`; returns the exit code."""
    with started(command, stdout=subprocess.DEVNULL) as child:
        for line in child.stderr or ():
            on_line(line.rstrip("\n"))
        return child.wait()


@contextmanager
def started(
    command: Command,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> Iterator["subprocess.Popen[str]"]:
    """The command as a running child in its own process group, which ends with the block."""
    try:
        child = subprocess.Popen(
            command.argv,
            env={**os.environ, **dict(command.environment)},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError:
        raise EngineError(f"{command.argv[0]}: not installed", hint="python -m builder doctor") from None
    try:
        yield child
    finally:
        stop(child)


def stop(child: "subprocess.Popen[str]") -> None:
    """End the child's process group: a polite signal, and after five seconds the other one."""
    if child.poll() is None:
        for number in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(child.pid, number)
                child.wait(GRACE_SECONDS)
                break
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe:
            pipe.close()
