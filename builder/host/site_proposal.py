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
    fallback = next((spec.platform.name for spec in cells if spec.platform.bootstrap), None)
    if fallback and (lost := sorted(silent & documented(cells))):
        lines.append(f"default-platform: {fallback}")
        reasons.append(f"default-platform {fallback}: no answer from {', '.join(lost)}")
    if fallback and f"base image {fallback}" in silent:
        lines.append("base: bootstrap")
        reasons.append("base bootstrap: the image registry does not answer")
    found = dict(pythons(cells, silent))
    if found:
        lines += ["components:", *(f"  {name}: {path}" for name, path in found.items())]
        reasons += [f"component {name}: its download does not answer, pyenv has it" for name in found]
    return (HEADER + "\n".join(lines) + "\n" if lines else "", tuple(reasons))


def documented(cells: tuple[ImageSpec, ...]) -> set[str]:
    """The names of the sources that only platforms without a bootstrap need."""
    own: set[str] = set()
    for spec in cells:
        if spec.platform.bootstrap is None:
            own.add(f"base image {spec.platform.name}")
            own |= {f"download {source.name}" for source in spec.sources}
            own |= {f"packages {repository.name}" for repository in spec.repositories}
    return own


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
