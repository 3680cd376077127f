"""Commands as values: pure code builds them, `process` runs them, and a person can replay what is printed."""

import re
import shlex
from dataclasses import dataclass, field

USERINFO = re.compile(r"//[^/@\s'\"]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An argv list, and the variables it needs on top of the environment."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = field(default=())

    def __str__(self) -> str:
        """The line that replays the command in a shell. It is logged, so the credentials of URLs are left out."""
        assignments = [f"{name}={shlex.quote(value)}" for name, value in self.environment]
        return USERINFO.sub("//***@", " ".join([*assignments, shlex.join(self.argv)]))
