"""The README's table of what was built and verified, written from the matrix between two marks."""

from collections.abc import Sequence

from builder.errors import InputError
from builder.matrix.spec import ImageSpec

BEGIN, END = "<!-- rows -->\n", "\n<!-- end of rows -->"
HEAD = ("| framework | release | platform | CPU | GPU |", "|---|---|---|---|---|")


def table(cells: Sequence[ImageSpec]) -> str:
    """The table: one line for each release and platform, with the state of its CPU and its GPU image."""
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
    """The README with the table of `cells`; raises InputError when one of the two marks is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(
            f"README.md: the table belongs between the lines {BEGIN.strip()} and {END.strip()}: one is missing",
            hint="git diff README.md",
        )
    return f"{before}{BEGIN}{table(cells)}{END}{after}"
