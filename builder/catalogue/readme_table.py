"""The table of the README that says what was really built, between its two marks; written from the matrix."""

from collections.abc import Sequence

from builder.errors import InputError
from builder.matrix.spec import ImageSpec

BEGIN, END = "<!-- rows -->\n", "\n<!-- end of rows -->"
HEAD = ("| framework | release | platform | CPU | GPU |", "|---|---|---|---|---|")


def table(cells: Sequence[ImageSpec]) -> str:
    """One line for each release and platform, and what was done with its images."""
    lines = list(HEAD)
    for title, version, platform in dict.fromkeys((s.title, s.version, s.platform.name) for s in cells):
        same = {s.device: s for s in cells if (s.title, s.version, s.platform.name) == (title, version, platform)}
        lines.append(f"| {title} | {version} | {platform} | {status(same.get('cpu'))} | {status(same.get('gpu'))} |")
    return "\n".join(lines)


def status(spec: ImageSpec | None) -> str:
    if spec is None:
        return "none"
    return f"**built and verified** {spec.built_on}" if spec.built_on else "rendered, linted, locked"


def with_table(text: str, cells: Sequence[ImageSpec]) -> str:
    """The README with today's table; raises InputError when it has no place for one."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"README.md: no {BEGIN.strip()} and {END.strip()}, between which the table stands")
    return f"{before}{BEGIN}{table(cells)}{END}{after}"
