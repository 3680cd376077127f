"""Divides cells into the jobs of a CI run: cells that share their largest layer stay together."""

from collections.abc import Iterable
from dataclasses import dataclass

LIMIT = 256
"""Jobs that GitHub starts from one matrix: https://docs.github.com/actions/reference/limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell, and a name of its largest layer. Cells that share the layer have equal names of it."""

    name: str
    layer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The cells of one job."""

    cells: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the job is called: its first cell, and how many follow."""
        more = len(self.cells) - 1
        return f"{self.cells[0]} and {more} more" if more else self.cells[0]


def shards(cells: Iterable[Cell], limit: int = LIMIT) -> list[Shard]:
    """At most `limit` jobs, one for each shared layer. Where there are more layers, a job gets several."""
    groups: dict[str, list[str]] = {}
    for cell in cells:
        groups.setdefault(cell.layer, []).append(cell.name)
    jobs: list[list[str]] = [[] for _ in range(min(limit, len(groups)))]
    for group in sorted(map(sorted, groups.values()), key=lambda names: (-len(names), names)):
        min(jobs, key=len).extend(group)
    return sorted((Shard(cells=tuple(names)) for names in jobs), key=lambda shard: shard.cells)
