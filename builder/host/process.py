"""The only importer of subprocess: runs a `Command`, and kills its whole process group when interrupted."""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from builder.errors import CancelledError, EngineError
from builder.host.command import Command
from builder.host.limits import OUTPUT_BYTES

GRACE_SECONDS = 5.0
CHUNK = 1 << 16
Whole = Callable[[bytearray, int], bool]
"""Whether a stream has said all that is awaited; it gets the content, and how many bytes of it are new."""
PIPE = subprocess.PIPE
Child = subprocess.Popen[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a command printed, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str


def run(command: Command, *, timeout: float) -> Completed:
    """Run to the end and capture both streams.

    Raises EngineError when the program is missing, hangs, or prints more than OUTPUT_BYTES.
    """
    deadline = time.monotonic() + timeout
    with started(command) as child:
        try:
            stdout, stderr = captured(child, deadline)
            child.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise EngineError(f"no answer within {timeout:.0f} s: {command}", hint="python -m builder doctor") from None
        except OverflowError as error:
            raise EngineError(f"{error}: {command}", hint="python -m builder doctor") from None
    shown = (stream.decode("utf-8", "replace") for stream in (stdout, stderr))
    return Completed(exit_code=child.returncode, stdout=next(shown), stderr=next(shown))


def attached(command: Command) -> int:
    """Run a command with our terminal, in our process group, to its end. Returns its exit code.

    Raises EngineError when the program is missing.
    """
    try:
        return subprocess.call(command.argv, env={**surroundings(), **dict(command.environment)})
    except FileNotFoundError:
        raise EngineError(f"{command.argv[0]}: not installed", hint="python -m builder doctor") from None


def captured(
    child: Child, deadline: float, *, limit: int = OUTPUT_BYTES, whole: Whole = lambda *_: False
) -> tuple[bytes, bytes]:
    """Both streams of a child, each to its end or until it is whole; the deadline is on the monotonic clock.

    Raises TimeoutError at the deadline, and OverflowError when a stream has more than `limit` bytes.
    """
    streams = {stream.fileno(): bytearray() for stream in (child.stdout, child.stderr) if stream}
    with selectors.DefaultSelector() as selector:
        for number in streams:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in ready(selector, deadline):
                data, content = os.read(key.fd, CHUNK), streams[key.fd]
                content += data
                if len(content) > limit:
                    raise OverflowError(f"more than {limit:,} bytes were printed")
                if not data or whole(content, len(data)):
                    selector.unregister(key.fd)
    stdout, stderr = streams.values()
    return bytes(stdout), bytes(stderr)


def ready(selector: selectors.BaseSelector, deadline: float) -> list[tuple[selectors.SelectorKey, int]]:
    """The streams that have something to read; raises TimeoutError at the deadline."""
    left = deadline - time.monotonic()
    found = selector.select(left) if left > 0 else []
    if not found:
        raise TimeoutError
    return found


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
