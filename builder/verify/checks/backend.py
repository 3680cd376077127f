"""A testinfra backend over one `docker exec`: testinfra's own starts one for each property, 0.1 s each.

Commands go to the standard input of a shell in the container. Each runs in a shell of its own, so that `exit`
ends only it, with an empty standard input and a time limit. A random mark, which no command can know, ends
its output on both streams.
"""

import os
import secrets
import selectors
import shlex
import time
from contextlib import ExitStack
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult

from builder.errors import EngineError
from builder.host.command import Command
from builder.host.process import PIPE, Child, started

SECONDS = 120
GRACE_SECONDS = 5
CHUNK = 65_536
TIMED_OUT = 124
"""The exit code of timeout(1)."""


class ShellBackend(BaseBackend):
    """Runs commands in a container as `user`, or as the image's own; `close` it."""

    NAME = "docker-shell"

    def __init__(self, container: str, *, user: str | None = None) -> None:
        super().__init__(container)
        self._argv = ("docker", "exec", "--interactive", *(("--user", user) if user else ()), container, "sh")
        self._shell: tuple[ExitStack, Child] | None = None

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:  # noqa: ANN401 (testinfra's signature)
        """Run to the end; exit code 124 after `timeout` seconds. Raises EngineError when the container is gone."""
        text = self.get_command(command, *args)
        limit = int(kwargs.get("timeout", SECONDS))
        mark = secrets.token_hex(16)
        child = self._child()
        send(child, script(text, mark, limit))
        try:
            stdout, stderr = receive(child, mark.encode(), time.monotonic() + limit + 2 * GRACE_SECONDS)
        except TimeoutError:
            self.close()
            return self.result(TIMED_OUT, text.encode(), b"", f"no answer within {limit} s".encode())
        except EOFError as error:
            self.close()
            raise EngineError(f"the shell in container {self.hostname[:12]} ended: {error}") from None
        output, _, code = stdout.partition(mark.encode())
        return self.result(int(code.split(b"\n")[0]), text.encode(), output, stderr.partition(mark.encode())[0])

    def decode(self, data: bytes) -> str:
        """UTF-8, whatever the command printed: a check reads text, and bytes remain in `stdout_bytes`."""
        return data.decode("utf-8", "replace")

    def encode(self, data: str) -> bytes:
        return data.encode("utf-8")

    def close(self) -> None:
        """End the shell; the next command starts another."""
        if self._shell:
            stack, child = self._shell
            self._shell = None
            if child.stdin:
                child.stdin.close()
            stack.close()

    def _child(self) -> Child:
        if self._shell is None:
            stack = ExitStack()
            self._shell = stack, stack.enter_context(started(Command(argv=self._argv), stdin=PIPE))
        return self._shell[1]


def script(text: str, mark: str, limit: int) -> bytes:
    """The line for the shell: the command without input, then the mark and its exit code."""
    run = f"timeout -k {GRACE_SECONDS} {limit} sh -c {shlex.quote(text)} </dev/null"
    return f"{run}; printf '{mark}%d\\n' $?; printf '{mark}\\n' >&2\n".encode()


def send(child: Child, data: bytes) -> None:
    """Write everything; a shell that ended shows when its answer is read."""
    left = memoryview(data)
    try:
        while left and child.stdin:
            left = left[os.write(child.stdin.fileno(), left) :]
    except BrokenPipeError:
        return


def receive(child: Child, mark: bytes, deadline: float) -> tuple[bytes, bytes]:
    """Both streams up to the mark's line; raises TimeoutError, and EOFError with the shell's last words."""
    streams = {stream.fileno(): bytearray() for stream in (child.stdout, child.stderr) if stream}
    stdout, stderr = streams.values()
    with selectors.DefaultSelector() as selector:
        for number in streams:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in wait(selector, deadline):
                data = os.read(key.fd, CHUNK)
                buffer = streams[key.fd]
                buffer += data
                if not data or ends(buffer, mark, len(data)):
                    selector.unregister(key.fd)
    if mark not in stdout or mark not in stderr:
        raise EOFError(stderr.decode("utf-8", "replace").strip() or "no reason given")
    return bytes(stdout), bytes(stderr)


def wait(selector: selectors.BaseSelector, deadline: float) -> list[tuple[selectors.SelectorKey, int]]:
    """The streams that have something to read; raises TimeoutError at the deadline."""
    ready = selector.select(max(0.0, deadline - time.monotonic()))
    if not ready:
        raise TimeoutError
    return ready


def ends(buffer: bytearray, mark: bytes, fresh: int) -> bool:
    """Whether the mark's line is complete; looks only at what is new, so that large outputs cost no more."""
    at = buffer.find(mark, max(0, len(buffer) - fresh - len(mark) - 8))
    return at >= 0 and buffer.find(b"\n", at) >= 0
