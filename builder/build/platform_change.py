"""A rolling tag that would leave the image of one platform for that of another: it is said, and refused without a flag.

Whose a rolling tag without a platform is depends on the default platform, and each site may choose that. So a build on
another site would give `1.6-cpu` to another operating system.
"""

from collections.abc import Collection
from dataclasses import dataclass

from builder.errors import InputError

FLAG = "--allow-platform-change"
HINT = f"{FLAG} moves it; whose it is, the default platform decides: default-platform in the matrix and in site.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformChange:
    """A rolling tag, the digest that has it now, and the platforms of that image and of the next one."""

    reference: str
    digest: str
    before: str
    after: str

    def __str__(self) -> str:
        """The change as a reason and as an error say it."""
        return f"{self.reference} moves from the image of {self.before}, {self.digest[:19]}, to that of {self.after}"


def refuse(changes: Collection[PlatformChange], subject: str = "") -> None:
    """Raise InputError with every change, if there is one; `subject` is the cell."""
    if changes:
        where = f"{subject}: " if subject else ""
        raise InputError([f"{where}not without {FLAG}: {one}" for one in changes], hint=HINT)
