"""How many images are built at once, by the engine's processors and memory."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import EngineError

BYTES_PER_BUILD = 2_500_000_000
"""Memory of a build at its peak. Compiling Horovod on two cores takes 2 to 3 GB, a small image far less."""
PER_PROCESSOR = 1
"""A build uses every processor to compile and compress, so more builds gain little."""
LEAST_AT_ONCE = 2
"""On one processor, one build waits for the network while another installs."""
MOST = 64
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60
"""A limit above this means none, in version 1 of cgroups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The processors of the engine's host, and the bytes of memory that are available now."""

    processors: int
    available: int


def builds_at_once(capacity: Capacity, cells: int) -> int:
    """The number of builds at once: at least one, at most one for each cell."""
    by_memory = max(1, capacity.available // BYTES_PER_BUILD)
    by_processors = max(LEAST_AT_ONCE, capacity.processors * PER_PROCESSOR)
    return max(1, min(cells, by_memory, by_processors, MOST))


def note(capacity: Capacity, cells: int) -> str | None:
    """A message when memory rather than processors limits parallel builds, else None."""
    number = builds_at_once(capacity, cells)
    roomy = builds_at_once(Capacity(processors=capacity.processors, available=MOST * BYTES_PER_BUILD), cells)
    if number == roomy:
        return None
    return (
        f"{number} at once instead of {roomy}: {capacity.available / 1e9:.1f} GB of memory are available, "
        f"and a build may take {BYTES_PER_BUILD / 1e9:.1f} GB (-j N overrides this)"
    )


def of_engine(info: Mapping[str, Any], *, meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> Capacity:
    """The capacity by `docker info`. When the engine is on this machine, only memory that is free counts.

    Raises EngineError when the engine does not say.
    """
    try:
        processors, total = int(info["NCPU"]), int(info["MemTotal"])
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(
            f"docker info does not give the processors and the memory of the engine: {error!r}",
            hint="set the number of builds yourself: -j N",
        ) from None
    found = amounts(meminfo)
    if found.get("MemTotal") != total:
        return Capacity(processors=processors, available=total)
    available = min(found.get("MemAvailable", total), room(cgroup))
    return Capacity(processors=min(processors, len(os.sched_getaffinity(0))), available=available)


def amounts(meminfo: Path) -> dict[str, int]:
    """The lines of /proc/meminfo in bytes; empty where there is no such file."""
    try:
        lines = meminfo.read_text("ascii").splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    return {word[0].rstrip(":"): int(word[1]) * 1024 for word in words if word[2:] == ["kB"] and word[1].isdigit()}


def room(cgroup: Path) -> int:
    """The bytes that the limit of our control group leaves, in version 2 or 1.

    https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            most, now = (cgroup / limit).read_text("ascii").strip(), (cgroup / used).read_text("ascii").strip()
        except OSError:
            continue
        if most.isdigit() and now.isdigit() and int(most) < UNLIMITED:
            return max(0, int(most) - int(now))
    return UNLIMITED
