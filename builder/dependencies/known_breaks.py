"""Known breaks that no metadata tells, and the oldest driver of each CUDA, from known_breaks.json.

The drivers are those of the CUDA Toolkit's release notes, table "CUDA Toolkit and Corresponding Driver Versions".
The compilers are those of `build-essential` in each release.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.specifiers import SpecifierSet

from builder.matrix.version import short

RELEASE_NOTES = "https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/"
FILE = Path(__file__).with_name("known_breaks.json")
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Versions that do not work together: a version range for each pin, a value for each environment variable."""

    when: Mapping[str, SpecifierSet | str]
    what: str
    source: str
    works: Mapping[str, str]
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AptDependency:
    """A Debian package that needs another in its very version: apt takes the newest of what is not pinned."""

    package: str
    needs: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The facts that no distribution's metadata has."""

    breaks: tuple[Break, ...]
    apt: tuple[AptDependency, ...]
    drivers: Mapping[str, str]
    compilers: Mapping[str, str]
    """The gcc of each release of an OS, as `ID VERSION`."""

    def driver(self, cuda: str) -> str | None:
        """The oldest driver that runs this CUDA, or None when it is not known."""
        return self.drivers.get(short(cuda, 2))


def load(file: Path = FILE) -> Rules:
    """The rules in `file`. It is part of the program, so a wrong one raises an error of its shape."""
    content = json.loads(file.read_text("utf-8"))
    breaks = tuple(map(break_of, content["breaks"]))
    apt = tuple(AptDependency(**entry) for entry in content["apt"])
    return Rules(breaks=breaks, apt=apt, drivers=content["drivers"], compilers=content["compilers"])


def break_of(entry: Mapping[str, Any]) -> Break:
    when = {name: range_or_value(name, text) for name, text in entry["when"].items()}
    return Break(**{"severity": "error", **entry, "when": when})


def range_or_value(name: str, text: str) -> SpecifierSet | str:
    """A range of versions for a pin; for an environment variable, its value."""
    return text if name.isupper() else SpecifierSet(text, prereleases=True)
