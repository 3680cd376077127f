"""How long builds took on this host, and how large their images were: one small file a cell, in the cache."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from builder.host.cache import cache_directory, keep, known

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
    """When each digest was built, in seconds since 1970. Images do not say it: equal inputs give equal bytes."""

    def seconds(self, action: str, *, rebase: bool = False) -> float | None:
        """The seconds that an action is expected to take; None when nothing is known."""
        if action not in ("build", "re-verify"):
            return 0.0
        parts = [self.verifications, *([self.rebases if rebase else self.builds] if action == "build" else [])]
        return sum(median(part) for part in parts) if all(parts) else None


def file_of(cell: str) -> Path:
    return cache_directory() / "history" / (cell.replace("/", "@") + ".json")


def past(cell: str) -> Past:
    """What this host remembers of the cell; empty when the file is missing or damaged."""
    return known(file_of(cell), read) or Past()


def read(content: Mapping[str, Any]) -> Past:
    """The content of such a file; raises an error of its shape."""
    return Past(
        builds=tuple(float(one) for one in content.get("builds", ())),
        verifications=tuple(float(one) for one in content.get("verifications", ())),
        rebases=tuple(float(one) for one in content.get("rebases", ())),
        bytes=int(float(content.get("bytes", 0))),
        made={str(digest): int(when) for digest, when in content.get("made", {}).items()},
    )


def add(cell: str, say: Say, *, verification: float) -> None:
    """Remember the seconds of a verification; says so when that fails."""
    before = past(cell)
    write(cell, say, replace(before, verifications=(*before.verifications, verification)))


def add_build(cell: str, say: Say, *, digest: str, seconds: float | None, size: int, rebase: bool) -> None:
    """Remember the digest, size, time and seconds of a build; says so when that fails.

    `seconds` is None for a build that found every step in the cache: it says nothing about the next one.
    """
    before, took = past(cell), () if seconds is None else (round(seconds, 1),)
    made = sorted({**before.made, digest: int(time.time())}.items(), key=lambda entry: entry[1])
    after = replace(before, bytes=size or before.bytes, made=dict(made[-DIGESTS:]))
    if rebase:
        write(cell, say, replace(after, rebases=(*before.rebases, *took)))
    else:
        write(cell, say, replace(after, builds=(*before.builds, *took)))


def write(cell: str, say: Say, past: Past) -> None:
    """Replace what is remembered of the cell."""
    content = {
        "builds": past.builds[-KEPT:],
        "verifications": past.verifications[-KEPT:],
        "rebases": past.rebases[-KEPT:],
        "bytes": past.bytes,
        "made": dict(past.made),
    }
    keep(file_of(cell), content, "the next plan will not know what this took", say)
