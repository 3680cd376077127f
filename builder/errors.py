"""Every error a person sees: what happened, where, and the next command to run.

BuilderError          exit 1
  BuildError          exit 1   a build failed
  VerifyError         exit 1   an image does not hold what its row promises
  EngineError         exit 1   Docker is missing, dead, full or too old
  ClusterError        exit 1   a cluster refuses, lacks something, or does not answer
  RegistryError       exit 1   a registry refuses, lies, or does not answer
  SignatureError      exit 1   a signature is missing, another's, or cannot be made
  InputError          exit 2   a file or an argument is wrong; may carry many problems
  StaleError          exit 3   a generated file is not what its inputs give
  CancelledError      exit 130 Ctrl-C

A verb whose exit code is that of somebody's script ends with 125 for each of them.
"""

import re
from collections.abc import Sequence

SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, the cursor
    r"|(?:\x1b[]P^_X]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC and other strings
    r"|\x1b[ -/]*[0-~]"
)
"""A control sequence of ECMA-48: the terminal obeys it, and people do not see it."""
COMMAND = re.compile(r"^([^\S\n]*):(?=:)|(##)(?=\[)", re.MULTILINE)
"""What GitHub's runner obeys: `::` at the beginning of a line, also behind blanks, and `##[` anywhere in it."""


def harmless(text: str) -> str:
    """Foreign text as it may be printed: it steers no terminal, turns no line around, and is no workflow command.

    Line ends and tabs stay. Other controls, C1, bidirectional marks and all else that is not printable are left out.
    """
    plain = SEQUENCE.sub("", text)
    shown = "".join(one if one.isprintable() or one in "\n\t" else " " if one.isspace() else "" for one in plain)
    return COMMAND.sub(lambda found: f"{found[1] or ''}{found[2] or ':'} ", shown)


class BuilderError(Exception):
    """A failure with a message for the terminal, a hint (the next command) and an exit code.

    Both may repeat what a registry, a build or a file said, and are made harmless.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = harmless(message)
        super().__init__(self.message)
        self.hint = hint and harmless(hint)


def with_hint(text: str, hint: str | None, *, indent: int = 2) -> str:
    """The text, and a second line with the next step where there is one: `  try: docker login HOST`."""
    return f"{text}\n{'':{indent}}try: {hint}" if hint else text


def told(error: BuilderError, subject: str = "") -> str:
    """The lines that tell a person of an error; `subject` is the image or the cell that it is about."""
    named = subject and not error.message.startswith(f"{subject}: ")
    return with_hint(f"error: {f'{subject}: ' if named else ''}{error.message}", error.hint)


class BuildError(BuilderError):
    pass


class VerifyError(BuilderError):
    pass


class EngineError(BuilderError):
    pass


class ClusterError(BuilderError):
    """`status` is the HTTP status of the answer, 0 when there was none."""

    def __init__(self, message: str, *, hint: str | None = None, status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class RegistryError(BuilderError):
    """`status` is the HTTP status of the answer, 0 when there was none that could be read."""

    def __init__(self, message: str, *, hint: str | None = None, status: int = 0, wait: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.wait = wait
        """How many seconds the registry asked to wait."""


class UnavailableError(RegistryError):
    """No answer, too many requests, or an error of the server's own: the same request may succeed later."""


class SignatureError(BuilderError):
    pass


class InputError(BuilderError):
    """Wrong input; `problems` holds one line for each mistake, so that one run reports them all."""

    exit_code = 2

    def __init__(self, problems: str | Sequence[str], *, hint: str | None = None) -> None:
        self.problems = tuple(map(harmless, (problems,) if isinstance(problems, str) else problems))
        super().__init__("\n".join(self.problems), hint=hint)


class StaleError(BuilderError):
    exit_code = 3


class CancelledError(BuilderError):
    exit_code = 130
