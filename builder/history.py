"""How long builds took and how large their images were on this host: one small file for each cell, below the cache."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from builder.bootstrap import cache_directory
from builder.memory import recall, remember

KEPT = 5
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the last builds and verifications of a cell took, the newest last."""

    builds: tuple[float, ...] = ()
    verifications: tuple[float, ...] = ()
    bytes: int = 0

    def seconds(self, action: str) -> float | None:
        """What an action is expected to take; None when nothing is known."""
        if action not in ("build", "re-verify"):
            return 0.0
        parts = [self.verifications, *([self.builds] if action == "build" else [])]
        return sum(median(part) for part in parts) if all(parts) else None


def file_of(cell: str) -> Path:
    return cache_directory() / "history" / (cell.replace("/", "@") + ".json")


def past(cell: str, say: Say) -> Past:
    """What is remembered of the cell; says when that is damaged, and knows nothing then."""
    try:
        content = recall(file_of(cell)) or {}
        return Past(
            builds=tuple(float(one) for one in content.get("builds", ())),
            verifications=tuple(float(one) for one in content.get("verifications", ())),
            bytes=int(content.get("bytes", 0)),
        )
    except (ValueError, TypeError) as error:
        say(f"{file_of(cell)}: ignored: {error}")
        return Past()


def add(cell: str, say: Say, *, build: float | None = None, verification: float | None = None, size: int = 0) -> None:
    """Remember what a build or a verification took; says so when it cannot."""
    before = past(cell, say)
    content = {
        "builds": [*before.builds, *([round(build, 1)] if build is not None else [])][-KEPT:],
        "verifications": [*before.verifications, *([verification] if verification is not None else [])][-KEPT:],
        "bytes": size or before.bytes,
    }
    try:
        remember(file_of(cell), content)
    except OSError as error:
        say(f"{file_of(cell)}: {error.strerror}: the next plan will not know what this took")
