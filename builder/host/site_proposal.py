"""Proposes a site file for this machine, with replacements for the sources that do not answer."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from builder.errors import InputError
from builder.host import reachability
from builder.host.command import Command
from builder.host.files import expanded, replacing
from builder.matrix.spec import ImageSpec

HEADER = "# Where builds on this machine get things from. Written by `python -m builder doctor --write-site`.\n"


def propose(cells: tuple[ImageSpec, ...], answers: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text of the file and the reason for each line; empty when no line is needed."""
    silent = {name for name, reason in answers.items() if reason}
    lines, reasons = [], []
    pyenv = dict(pythons(cells, silent))
    lost = {
        name: missing(name, cells, silent - {f"download {python}" for python in pyenv}) for name in platforms(cells)
    }
    fallback = min(lost, key=lambda name: len(lost[name]))
    documented = {spec.platform.name for spec in cells if spec.is_default_platform}
    if why := sorted(set[str]().union(*(lost[name] for name in documented)) - lost[fallback]):
        lines.append(f"default-platform: {fallback}")
        reasons.append(f"default-platform {fallback}: no answer from {', '.join(why)}")
    if f"base image {fallback}" in silent and f"base image {fallback}" not in lost[fallback]:
        lines.append("base: bootstrap")
        reasons.append("base bootstrap: the image registry does not answer")
    if pyenv:
        lines += ["components:", *(f"  {name}: {path}" for name, path in pyenv.items())]
        reasons += [f"component {name}: its download does not answer, pyenv has it" for name in pyenv]
    return (HEADER + "\n".join(lines) + "\n" if lines else "", tuple(reasons))


def platforms(cells: tuple[ImageSpec, ...]) -> tuple[str, ...]:
    """The platforms of these cells, in their order."""
    return tuple(dict.fromkeys(spec.platform.name for spec in cells))


def missing(platform: str, cells: tuple[ImageSpec, ...], silent: set[str]) -> set[str]:
    """The silent sources without which the platform cannot be built: a base needs its registry or its mirror."""
    found = set[str]()
    for spec in cells:
        if spec.platform.name == platform:
            if spec.platform.bootstrap is None or reachability.mirror(spec.platform) in silent:
                found.add(f"base image {platform}")
            found |= {f"download {source.name}" for source in spec.sources}
            found |= {f"packages {repository.name}" for repository in spec.repositories}
            found |= {reachability.CONDA_PACKAGES} if spec.pin("miniconda") else set()
    return found & silent


def pythons(cells: tuple[ImageSpec, ...], silent: set[str]) -> Iterator[tuple[str, Path]]:
    """The Pythons that pyenv has built here, where their download does not answer."""
    root = os.environ.get("PYENV_ROOT") or reachability.said(Command(argv=("pyenv", "root")), "(.+)")
    names = {source.name for spec in cells for source in spec.sources if source.name.startswith("python-")}
    for name in sorted(names):
        directory = expanded(root) / "versions" / name.removeprefix("python-")
        if root and f"download {name}" in silent and (directory / "bin/python3").exists():
            yield name, directory


def write(file: Path, text: str) -> None:
    """Write the file, whole or not at all; raises InputError when it exists."""
    try:
        with replacing(file, exclusive=True) as sibling:
            sibling.write_text(text, "utf-8")
    except FileExistsError:
        raise InputError(f"{file}: it exists, and is left as it is", hint=f"compare it, or remove {file}") from None
