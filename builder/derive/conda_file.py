"""conda's environment files: `name`, `channels`, `dependencies` with a `pip:` list, `prefix`; nothing else.

The format: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html.
"""

import re
from pathlib import Path

from builder.derive.request import Asked, Reading
from builder.derive.requirements_file import asked, content
from builder.errors import InputError
from builder.matrix import yaml_positions
from builder.matrix.yaml_positions import CONTROL, Node, fields, items, report, show

KEYS = ("name", "channels", "dependencies", "prefix")
CHANNEL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,60}(/[a-z0-9_.-]{1,60})?")
SPEC = re.compile(
    r"(?:(?P<channel>[a-z0-9][a-z0-9_.-]{0,60})::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]{0,100})"
    r"(?P<rest>(?:\s*[=<>!~][A-Za-z0-9_.*,<>=!|~+ -]{0,200})?)"
)


def read_file(file: Path, admitted: tuple[str, ...], reading: Reading) -> None:
    """Add what a conda file asks for; `admitted` are the channels by URL that it may name."""
    try:
        document = yaml_positions.parse(content(file, str(file)), str(file), reading.problems)
    except InputError as error:
        reading.problems += error.problems
        return
    top = fields(document, reading.problems, required=("dependencies",), optional=KEYS)
    for at in items(top.get("channels"), reading.problems):
        channel(at, admitted, reading)
    for at in items(top.get("dependencies"), reading.problems):
        dependency(at, reading)


def channel(at: Node, admitted: tuple[str, ...], reading: Reading) -> None:
    """A channel by name; one by URL only where the command line names it, too."""
    if at.kind == "scalar" and (CHANNEL.fullmatch(at.scalar) or at.scalar in admitted):
        reading.channels.append(at.scalar)
    elif at.kind == "scalar" and "://" in at.scalar:
        report(reading.problems, at, f"{show(at.scalar)}: a channel by its URL wants --channel with the same URL")
    else:
        report(reading.problems, at, f"{show(at.scalar)} is not a channel: a name such as conda-forge")


def dependency(at: Node, reading: Reading) -> None:
    """A conda package, or the list of pip's."""
    if at.kind == "scalar":
        if found := package(at.scalar, f"{at.place}: {at.path}", reading.problems):
            reading.conda.append(found)
        return
    pip = fields(at, reading.problems, required=("pip",))
    for one in items(pip.get("pip"), reading.problems):
        if one.kind != "scalar":
            report(reading.problems, one, f"expected a requirement, found a {one.kind}")
        elif found := asked(one.scalar, f"{one.place}: {one.path}", reading):
            reading.requirements.append(found)


def package(text: str, place: str, problems: list[str]) -> Asked | None:
    """A package as conda's match specification writes it: `ffmpeg`, `numpy=1.16`, `conda-forge::ffmpeg>=4`."""
    if CONTROL.search(text.replace("\n", "\x00")) or not SPEC.fullmatch(text.strip()):
        problems.append(f"{place}: {show(text)}: not a conda package: NAME, NAME=VERSION or CHANNEL::NAME>=VERSION")
        return None
    return Asked(text=" ".join(text.split()), place=place)
