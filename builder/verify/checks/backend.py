"""A testinfra backend over one `docker exec`: testinfra's own starts one for each property, 0.1 s each.

Commands go to the standard input of a shell in the container. Each runs in a shell of its own, so that `exit`
ends only it, with an empty standard input and a time limit. A random mark, which no command can know, ends
its output on both streams.
"""

import functools
import os
import secrets
import shlex
import time
from contextlib import ExitStack
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult

from builder.errors import EngineError, VerifyError
from builder.host.command import Command
from builder.host.limits import COMMAND_SECONDS, OUTPUT_BYTES, VERIFY_SECONDS
from builder.host.process import PIPE, Child, captured, started

GRACE_SECONDS = 5
SHOWN = 60
"""Characters of a command in an error."""
CODE_DIGITS = 3
"""Of an exit code: 0 to 255."""


class ShellBackend(BaseBackend):
    """Runs commands in a container as `user`, or as the image's own, until the deadline; `close` it."""

    NAME = "docker-shell"

    def __init__(
        self, container: str, *, user: str | None = None, deadline: float | None = None, limit: int = OUTPUT_BYTES
    ) -> None:
        super().__init__(container)
        self._deadline = deadline or time.monotonic() + VERIFY_SECONDS
        self._limit = limit
        self._argv = ("docker", "exec", "--interactive", *(("--user", user) if user else ()), container, "sh")
        self._shell: tuple[ExitStack, Child] | None = None

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:  # noqa: ANN401 (testinfra's signature)
        """Run to the end; exit code 124 after `timeout` seconds, by timeout(1) of the image.

        Raises VerifyError when the image does not keep to that, prints without end, or the deadline has passed; and
        EngineError when the container is gone.
        """
        text, mark = self.get_command(command, *args), secrets.token_hex(16)
        limit = int(min(kwargs.get("timeout", COMMAND_SECONDS), self._deadline - time.monotonic()))
        if limit <= 0:
            raise VerifyError(f"{text.strip()[:SHOWN]}: not run: the time for the whole verification is over")
        child = self._child()
        send(child, script(text, mark, limit))
        try:
            stdout, stderr = self._received(child, mark.encode(), time.monotonic() + limit + 2 * GRACE_SECONDS)
        except (TimeoutError, OverflowError) as error:
            self.close()
            raise VerifyError(f"{text.strip()[:SHOWN]}: {str(error) or f'no answer within {limit} s'}") from None
        except EOFError as error:
            self.close()
            raise EngineError(f"the shell in container {self.hostname[:12]} ended: {error}") from None
        output, _, code = stdout.partition(mark.encode())
        try:
            return self.result(exit_code(code), text.encode(), output, stderr.partition(mark.encode())[0])
        except VerifyError:
            self.close()
            raise

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

    def _received(self, child: Child, mark: bytes, deadline: float) -> tuple[bytes, bytes]:
        """Both streams up to the mark's line; raises TimeoutError, OverflowError, and EOFError with the last words."""
        stdout, stderr = captured(child, deadline, limit=self._limit, whole=functools.partial(ends, mark))
        if mark not in stdout or mark not in stderr:
            raise EOFError(stderr.decode("utf-8", "replace").strip() or "no reason given")
        return stdout, stderr

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


def exit_code(line: bytes) -> int:
    """The exit code behind the mark; raises VerifyError for what only another shell than sh(1) says."""
    code = line.split(b"\n")[0]
    if not code.isdigit() or len(code) > CODE_DIGITS:
        raise VerifyError(f"the image's sh is none: a command ended with {code!a:.60}")
    return int(code)


def ends(mark: bytes, content: bytearray, fresh: int) -> bool:
    """Whether the mark's line is complete, or too long for one; looks only at what is new, as outputs are large."""
    at = content.find(mark, max(0, len(content) - fresh - len(mark) - CODE_DIGITS - 1))
    return at >= 0 and (content.find(b"\n", at) >= 0 or len(content) > at + len(mark) + CODE_DIGITS)
