"""The edge: errors become one message and an exit code here, and nowhere else."""

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from types import FrameType

from builder.commands.options import Options
from builder.commands.parser import VERBS, options
from builder.errors import BuilderError, InputError, with_hint

INTERRUPTED = 130
BROKEN_PIPE = 0
PATIENCE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    listen()
    wanted = options(argv)
    own = VERBS[wanted.verb].own_failure
    try:
        return told(wanted, own)
    except Exception:
        if own is None:
            raise
        traceback.print_exc()  # Python's own code for it, 1, is a script's too
        return own


def told(wanted: Options, own: int | None) -> int:
    """Run the verb, and tell of an error in one message. Returns the exit code; `own` is that of each failure."""
    try:
        return run(wanted)
    except BuilderError as error:
        if wanted.debug:
            raise
        discard_output()
        explain(error, github=wanted.format == "github" or os.environ.get("GITHUB_ACTIONS") == "true")
        return own or error.exit_code
    except KeyboardInterrupt:
        be_deaf()
        print("\ninterrupted: nothing is left running, and only verified images have tags", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return BROKEN_PIPE


def run(wanted: Options) -> int:
    """Import the verb and run it."""
    from importlib import import_module

    from builder.host.cache import cache_directory
    from builder.host.temporary import told_when_full

    verb = import_module(f"builder.commands.{wanted.verb.replace('-', '_')}")
    with told_when_full(wanted.log_dir, cache_directory()), told_of_the_system():
        code = int(verb.run(wanted))
        sys.stdout.flush()
    return code


@contextmanager
def told_of_the_system() -> Iterator[None]:
    """Turns an error of the system that nobody expected, such as a file in place of a directory, into one line."""
    from builder.host.temporary import is_full

    try:
        yield
    except OSError as error:
        if is_full(error) or isinstance(error, BrokenPipeError):
            raise
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        what = ": ".join([*names, error.strerror or str(error) or type(error).__name__])
        raise BuilderError(what, hint=f"ls -ld {shlex.quote(names[0])}" if names else None) from error


def discard_output() -> None:
    """Print what waits on stdout before the error; where it takes nothing, let the interpreter end without another."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def listen() -> None:
    """SIGTERM ends a run as Ctrl-C does; a second signal does not disturb the clean-up, a third ends it."""
    counter = count(1)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        number = next(counter)
        if number == 1:
            raise KeyboardInterrupt
        if number > PATIENCE:
            os._exit(INTERRUPTED)
        os.write(2, b"still removing what runs; once more ends it at once\n")

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def be_deaf() -> None:
    """Let no further signal change the exit code: everything is cleaned up, and only the interpreter is left to end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def explain(error: BuilderError, *, github: bool) -> None:
    """Print what happened, and the next command, on stderr; on GitHub also as annotations.

    Its runner obeys them on both streams, and a workflow often keeps stdout in a file of outputs.
    """
    problems = error.problems if isinstance(error, InputError) else (error.message,)
    lines = [f"error: {one}" for one in problems]
    if len(problems) > 1:
        lines.append(f"{len(problems)} mistakes")
    print(with_hint("\n".join(lines), error.hint), file=sys.stderr)
    for one in problems if github else ():
        print(annotation(one), file=sys.stderr)


def annotation(line: str) -> str:
    """A problem as a workflow command, with its place where it begins with one."""
    from builder.commands.common.output import workflow_command

    file, _, rest = line.partition(":")
    number, _, rest = rest.partition(":")
    if number.isdigit():
        return workflow_command("error", rest.strip(), file=file, line=number)
    return workflow_command("error", line.strip())


if __name__ == "__main__":
    sys.exit(main())
