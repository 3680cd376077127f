"""Reads conda's environment.yml: `name`, `channels`, `dependencies` with a `pip:` list, and `prefix`.

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
    """Adds what the file asks for to `reading`, problems included; `admitted` are the channel URLs that it may name."""
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
    """Adds a channel, or a problem: a channel by URL is admitted only when the command line names it, too."""
    if at.kind == "scalar" and (CHANNEL.fullmatch(at.scalar) or at.scalar in admitted):
        reading.channels.append(at.scalar)
    elif at.kind == "scalar" and "://" in at.scalar:
        report(reading.problems, at, f"{show(at.scalar)}: for a channel by URL, pass the same URL as --channel, too")
    else:
        report(reading.problems, at, f"{show(at.scalar)}: not a channel: expected a name such as conda-forge")


def dependency(at: Node, reading: Reading) -> None:
    """Adds a conda package, or the requirements in a `pip:` list."""
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
    """The package that a conda specification such as `numpy=1.16` or `conda-forge::ffmpeg>=4` names.

    None when the text is no such specification; the reason joins `problems`.
    """
    if CONTROL.search(text.replace("\n", "\x00")) or not SPEC.fullmatch(text.strip()):
        problems.append(
            f"{place}: {show(text)}: not a conda package: expected NAME, NAME=VERSION or CHANNEL::NAME>=VERSION"
        )
        return None
    return Asked(text=" ".join(text.split()), place=place)
