"""How long builds took and how large their images were on this host: one small file for each cell, below the cache."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from builder.bootstrap import cache_directory
from builder.memory import recall, remember

KEPT = 5
DIGESTS = 50
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the last builds and verifications of a cell took, the newest last."""

    builds: tuple[float, ...] = ()
    verifications: tuple[float, ...] = ()
    rebases: tuple[float, ...] = ()
    bytes: int = 0
    made: Mapping[str, int] = field(default_factory=dict)
    """When each digest was built, in seconds: an image itself does not say, so that equal images are equal bytes."""

    def seconds(self, action: str, *, rebase: bool = False) -> float | None:
        """What an action is expected to take; None when nothing is known."""
        if action not in ("build", "re-verify"):
            return 0.0
        parts = [self.verifications, *([self.rebases if rebase else self.builds] if action == "build" else [])]
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
            rebases=tuple(float(one) for one in content.get("rebases", ())),
            bytes=int(content.get("bytes", 0)),
            made={str(digest): int(when) for digest, when in content.get("made", {}).items()},
        )
    except (ValueError, TypeError, AttributeError) as error:
        say(f"{file_of(cell)}: ignored: {error}")
        return Past()


def add(cell: str, say: Say, *, verification: float) -> None:
    """Remember what a verification took; says so when it cannot."""
    before = past(cell, say)
    write(cell, say, replace(before, verifications=(*before.verifications, verification)))


def add_build(cell: str, say: Say, *, digest: str, seconds: float | None, size: int, rebase: bool) -> None:
    """Remember what a build gave, when, and what it took; says so when it cannot.

    `seconds` is None for a build that found every step in the cache: it says nothing about the next one.
    """
    before, took = past(cell, say), () if seconds is None else (round(seconds, 1),)
    made = sorted({**before.made, digest: int(time.time())}.items(), key=lambda entry: entry[1])
    after = replace(before, bytes=size or before.bytes, made=dict(made[-DIGESTS:]))
    if rebase:
        write(cell, say, replace(after, rebases=(*before.rebases, *took)))
    else:
        write(cell, say, replace(after, builds=(*before.builds, *took)))


def write(cell: str, say: Say, known: Past) -> None:
    """Replace what is remembered of the cell."""
    content = {
        "builds": known.builds[-KEPT:],
        "verifications": known.verifications[-KEPT:],
        "rebases": known.rebases[-KEPT:],
        "bytes": known.bytes,
        "made": dict(known.made),
    }
    try:
        remember(file_of(cell), content)
    except OSError as error:
        say(f"{file_of(cell)}: {error.strerror}: the next plan will not know what this took")
