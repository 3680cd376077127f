"""Commands as values: built by pure code, run by `process`, printed so that a person can replay them."""

import re
import shlex
from dataclasses import dataclass, field

USERINFO = re.compile(r"//[^/@\s'\"]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An argv list with the variables it needs besides the environment's own."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = field(default=())

    def __str__(self) -> str:
        """The line that replays the command in a shell, without the credentials of its URLs: it is logged."""
        assignments = [f"{name}={shlex.quote(value)}" for name, value in self.environment]
        return USERINFO.sub("//***@", " ".join([*assignments, shlex.join(self.argv)]))
