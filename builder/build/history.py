"""How long builds took on this host, and how large their images were: one small file a cell, in the cache."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from builder.host.cache import Say, cache_directory, keep, known

KEPT = 5
DIGESTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the last builds and verifications of a cell took, the newest last."""

    builds: tuple[float, ...] = ()
    verifications: tuple[float, ...] = ()
    rebases: tuple[float, ...] = ()
    bytes: int = 0
    made: Mapping[str, int] = field(default_factory=dict)
    """When each digest was built, in seconds since 1970. Images do not say it: equal inputs give equal bytes."""
    began: Mapping[str, int] = field(default_factory=dict)
    """When the build of each digest began."""

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
        made=times(content, "made"),
        began=times(content, "began"),
    )


def times(content: Mapping[str, Any], name: str) -> dict[str, int]:
    return {str(digest): int(when) for digest, when in content.get(name, {}).items()}


def add(cell: str, say: Say, *, verification: float) -> None:
    """Remember the seconds of a verification; says so when that fails."""
    before = past(cell)
    write(cell, say, replace(before, verifications=(*before.verifications, verification)))


def add_build(
    cell: str, say: Say, *, digest: str, seconds: float, size: int, rebase: bool, typical: bool = True
) -> None:
    """Remember the digest, size, times and seconds of a build; says so when that fails.

    A build is not `typical` when it found every step in the cache: it says nothing about the next one.
    """
    before, now, took = past(cell), int(time.time()), (round(seconds, 1),) if typical else ()
    last = sorted({**before.made, digest: now}.items(), key=lambda entry: entry[1])[-DIGESTS:]
    began = {**before.began, digest: now - round(seconds)}
    kept = {one: began[one] for one, _ in last if one in began}
    after = replace(before, bytes=size or before.bytes, made=dict(last), began=kept)
    if rebase:
        write(cell, say, replace(after, rebases=(*before.rebases, *took)))
    else:
        write(cell, say, replace(after, builds=(*before.builds, *took)))


def write(cell: str, say: Say, past: Past) -> None:
    """Replace what is remembered of the cell."""
    seconds = {name: getattr(past, name)[-KEPT:] for name in ("builds", "verifications", "rebases")}
    content = {**seconds, "bytes": past.bytes, "made": dict(past.made), "began": dict(past.began)}
    keep(file_of(cell), content, "the next plan will not know what this took", say)
