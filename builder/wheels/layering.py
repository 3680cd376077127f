"""Which wheels share a layer, and which is cut into several. Pure: the same wheels always give the same layers.

A layer is one connection when it is pulled and one core when it is unpacked. So no layer is much larger than the
others, unless a single file is, and not so many are made that each costs more than it saves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

OWN_BYTES = 1 << 20
"""A wheel of that size or more has layers of its own, unless that were too many: other rows may share them."""
LEAST_BYTES = 16 << 20
"""No wheel is cut into parts below this size."""
SHARE = 0.3
"""How much of all wheels a part may be."""
MOST = 24
"""The layers of a row for its wheels; what is below them takes up to six more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel by its name and version; `key` is its sha256, and `size` its bytes as a file."""

    name: str
    version: str
    key: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Wheels that change together, in the order of the layers: what changes least comes first."""

    title: str
    wheels: tuple[Wheel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layering:
    """The wheels of one layer; or one wheel, cut into parts of about `part_bytes` where it is larger than that."""

    title: str
    wheels: tuple[Wheel, ...]
    part_bytes: int = 0

    @property
    def parts(self) -> int:
        """About how many layers that gives."""
        size = sum(one.size for one in self.wheels)
        return max(1, -(-size // self.part_bytes)) if self.part_bytes else 1


def layering(groups: Sequence[Group]) -> list[Layering]:
    """The layers of all groups: each large wheel alone, the small ones of a group together."""
    total = sum(wheel.size for group in groups for wheel in group.wheels)
    own, part = OWN_BYTES, part_bytes(total)
    while own < total and sum(one.parts for one in of_groups(groups, own, part)) > MOST:
        own *= 2
        part = max(part, own)
    return of_groups(groups, own, part)


def of_groups(groups: Sequence[Group], own: int, part: int) -> list[Layering]:
    return [one for group in groups for one in of_group(group, own, part)]


def part_bytes(total: int) -> int:
    """How large a part of a wheel is, in a row of so many bytes: a power of two, so that rows of a kind share parts."""
    wanted = max(LEAST_BYTES, int(total * SHARE))
    return 1 << (wanted.bit_length() - 1)


def of_group(group: Group, own: int, part: int) -> list[Layering]:
    """The layers of one group, the large wheels first: those of `own` bytes or more."""
    large = [one for one in group.wheels if one.size >= own]
    small = tuple(one for one in group.wheels if one not in large)
    alone = [
        Layering(title=f"{one.name} {one.version}", wheels=(one,), part_bytes=part if one.size > part else 0)
        for one in large
    ]
    return [*alone, Layering(title=shared(small), wheels=small)] if small else alone


def shared(wheels: Sequence[Wheel]) -> str:
    """The title of a layer of these."""
    names = [f"{one.name} {one.version}" for one in wheels]
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"  # noqa: PLR2004 (a line)
