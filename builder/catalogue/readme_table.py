"""The README's table of what was verified and rehearsed, written from matrix, lock and records between two marks."""

from collections.abc import Mapping, Sequence

from builder.build.recorded import RENDERED, Recorded
from builder.build.records import NOT_PROVED
from builder.dependencies import cuda_wheels
from builder.errors import InputError
from builder.matrix.names import cell
from builder.matrix.spec import DEVICES, ImageSpec

BEGIN, END = "<!-- rows -->\n", "\n<!-- end of rows -->"
HEAD = ("| framework | release | platform | CPU | GPU |", "|---|---|---|---|---|")


def table(cells: Sequence[ImageSpec], recorded: Mapping[str, Recorded], cuda: Mapping[str, str]) -> str:
    """The table: one line for each release and platform, with the state of its CPU and its GPU image.

    `cuda` is what the wheels of CPU cells hold. Sentences say what that means, and what a rehearsal does not prove.
    """
    lines = list(HEAD)
    for title, version, platform in dict.fromkeys((s.title, s.version, s.platform.name) for s in cells):
        same = {s.device: s for s in cells if (s.title, s.version, s.platform.name) == (title, version, platform)}
        cpu, gpu = (status(same.get(device), recorded, cuda) for device in DEVICES)
        lines.append(f"| {title} | {version} | {platform} | {cpu} | {gpu} |")
    if cuda:
        lines += ["", f"*torch with CUDA*: {cuda_wheels.MEANING}"]
    if any(one.record.status == "rehearsed" for one in recorded.values()):
        lines += ["", f"*rehearsed*: {NOT_PROVED}"]
    return "\n".join(lines)


def status(spec: ImageSpec | None, recorded: Mapping[str, Recorded], cuda: Mapping[str, str]) -> str:
    """The state of a cell, and the CUDA in the wheel of a CPU cell."""
    return f"{state(recorded.get(cell(spec)))}{cuda_wheels.words(cuda.get(cell(spec)))}" if spec else "none"


def state(one: Recorded | None) -> str:
    """What the record of a cell says: bold when it is verified as it is now."""
    if one is None:
        return RENDERED
    mark = "*" if one.record.status == "rehearsed" else "" if one.note else "**"
    return str(one).replace(one.record.status, f"{mark}{one.record.status}{mark}", 1)


def with_table(text: str, cells: Sequence[ImageSpec], recorded: Mapping[str, Recorded], cuda: Mapping[str, str]) -> str:
    """The README with the table of `cells`; raises InputError when one of the two marks is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(
            f"README.md: the table belongs between the lines {BEGIN.strip()} and {END.strip()}: one is missing",
            hint="git diff README.md",
        )
    return f"{before}{BEGIN}{table(cells, recorded, cuda)}{END}{after}"
