"""The only importer of subprocess: runs a `Command`, and kills its whole process group when interrupted."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from builder.errors import CancelledError, EngineError
from builder.host.command import Command

GRACE_SECONDS = 5.0
PIPE = subprocess.PIPE
Child = subprocess.Popen[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a command printed, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str


def run(command: Command, *, timeout: float | None = None, stdin: str | None = None) -> Completed:
    """Run to the end and capture both streams; raises EngineError when the program is missing or hangs."""
    with started(command, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL) as child:
        try:
            stdout, stderr = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise EngineError(f"no answer within {timeout:.0f} s: {command}", hint="python -m builder doctor") from None
    return Completed(exit_code=child.returncode, stdout=stdout, stderr=stderr)


@contextmanager
def started(
    command: Command,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    running: "Running | None" = None,
) -> Iterator[Child]:
    """The command as a running child in its own process group, which ends with the block, or with `running`."""
    if running and running.stopping.is_set():
        raise CancelledError("interrupted before it began")
    try:
        child = subprocess.Popen(
            command.argv,
            env={**surroundings(), **dict(command.environment)},
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
        if running:
            running.adopt(child)
        yield child
    finally:
        stop(child)


def surroundings() -> dict[str, str]:
    """Our environment. Another thread may remove a variable meanwhile, as pytest does."""
    found = ((name, os.environ.get(name)) for name in tuple(os.environ))
    return {name: value for name, value in found if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The children of several threads, so that the main thread can end them all."""

    children: list[Child] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def adopt(self, child: Child) -> None:
        """Add a child; end it at once when `stop` ran while it started."""
        self.children.append(child)
        if self.stopping.is_set():
            end(child)

    def stop(self) -> None:
        """End every child, and let no further one start."""
        self.stopping.set()
        for child in tuple(self.children):
            end(child)


def stop(child: Child) -> None:
    """End the child, and close its pipes."""
    end(child)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()


def end(child: Child) -> None:
    """End the child's process group: by SIGINT, and after five seconds by SIGKILL."""
    if child.poll() is None:
        for number in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(child.pid, number)
                child.wait(GRACE_SECONDS)
                break
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
