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
"""

from collections.abc import Sequence


class BuilderError(Exception):
    """A failure with a message for the terminal, a hint (the next command) and an exit code."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def with_hint(text: str, hint: str | None, *, indent: int = 2) -> str:
    """The text, and a second line with the next step where there is one: `  try: docker login HOST`."""
    return f"{text}\n{'':{indent}}try: {hint}" if hint else text


def told(error: BuilderError, subject: str = "") -> str:
    """The lines that tell a person of an error; `subject` is the image or the cell that it is about."""
    return with_hint(f"error: {f'{subject}: ' if subject else ''}{error.message}", error.hint)


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
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems), hint=hint)


class StaleError(BuilderError):
    exit_code = 3


class CancelledError(BuilderError):
    exit_code = 130
