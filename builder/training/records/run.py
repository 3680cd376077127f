"""The handle of a run. The run's directory says what it is, so any process may take it over."""

import contextlib
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuilderError, InputError
from builder.host import mutex
from builder.training.records.record import Record, Status, read
from builder.training.request.plan import RunPlan

Sink = Callable[[bool, bytes], None]
"""Takes what a run prints: whether it comes from stderr, and the bytes."""
LOG = "output.log"
CANCELLED = "cancelled"
"""A file in the run's directory: somebody asked for the end."""
PATIENCE = 10
"""Seconds past limit and grace. After them the launcher in the container counts as stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(ABC):
    """A training run that goes on or is over."""

    directory: Path

    @property
    def id(self) -> str:
        return self.directory.name

    @property
    def record(self) -> Record:
        """What is written about the run. Raises InputError when the record is missing or damaged."""
        return read(self.directory)

    @property
    def plan(self) -> RunPlan:
        return self.record.plan

    @property
    def exit_code(self) -> int | None:
        """The exit code of the run; None before its end."""
        return self.record.exit_code

    @property
    @abstractmethod
    def outputs(self) -> Path:
        """The directory with what the script wrote to `outputs/`. Raises InputError when it is not on this host."""

    @property
    @abstractmethod
    def outputs_place(self) -> str:
        """The same directory in words, for people."""

    @property
    @abstractmethod
    def status(self) -> Status:
        """How the run is now. A run that ended unseen is collected first. Raises BuilderError."""

    @abstractmethod
    def cancel(self) -> None:
        """End the run. What it wrote until then is kept. Raises BuilderError."""

    @abstractmethod
    def follow(self, sink: Sink) -> None:
        """Copy the output to the log and the sink until the end, then collect the run. Ctrl-C cancels it."""

    @abstractmethod
    def watch(self, sink: Sink) -> None:
        """Copy the output to the sink until the end, beside whoever follows the run. The run is left as it is."""

    @abstractmethod
    def live_logs(self) -> bytes | None:
        """What a run that goes on has printed; None when nothing can print it any more."""

    def wait(self, *, show_output: bool = True) -> int:
        """Wait for the end and show what the run prints. Returns the exit code.

        Ctrl-C cancels the run. Raises InputError when another process follows the run already, and ClusterError when
        a cluster gives no answer for a minute; the run goes on then.
        """
        record = self.record
        if record.is_final:
            return record.exit_code or 0
        with self.attended():
            self.follow(show if show_output else discard)
        code = self.record.exit_code
        return 1 if code is None else code

    def output(self) -> bytes:
        """Everything that the run has printed."""
        data = None if self.record.is_final else self.live_logs()
        file = self.directory / LOG
        if data is None:
            data = file.read_bytes() if file.is_file() else b""
        return data

    def logs(self) -> str:
        """Everything that the run has printed, as text. A byte that is not UTF-8 is replaced."""
        return text(self.output())

    @contextlib.contextmanager
    def attended(self) -> Iterator[None]:
        """The right to follow the run. Raises InputError when another process has it."""
        lock = mutex.acquire(self.directory, self.id)
        if isinstance(lock, str):
            raise InputError(f"{self.id}: {lock} follows it already", hint="python -m builder runs")
        try:
            yield
        finally:
            lock.release()

    def wait_for_record(self) -> None:
        """Wait until another process, which follows the run, has written its end."""
        limit = time.monotonic() + PATIENCE
        while not self.record.is_final and time.monotonic() < limit:
            time.sleep(0.05)


def append(write: Callable[[bytes], object], data: bytes, log: Path) -> None:
    """Write to the log. A full disk ends the waiting, not the run: it raises BuilderError."""
    try:
        write(data)
    except OSError as error:
        hint = f"python -m builder runs adopt {log.parent.name}"
        raise BuilderError(f"{log}: {error.strerror}; the run goes on", hint=hint) from None


def show(is_error: bool, data: bytes) -> None:
    """Print the bytes as they are, or as text where the stream takes only text."""
    target = sys.stderr if is_error else sys.stdout
    buffer = getattr(target, "buffer", None)
    if buffer is None:
        target.write(text(data))
    else:
        buffer.write(data)
    target.flush()


def discard(_is_error: bool, _data: bytes) -> None:
    pass


def text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
