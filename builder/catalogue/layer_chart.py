"""The layers of an image as a bar chart: what each layer is for, its share, and where it is drawn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from builder.build.wheel_image import MADE_BY
from builder.catalogue.image_info import BASE, Info, Layer

WIDTH = 1000
SHADES = 8
LEAST = 6
"""The narrowest layer that can still be seen, in thousandths of the chart."""
WHEELS = re.compile(rf"{MADE_BY}(?: derive)?: (.+)")
COPIED = "COPY /layer/ /"
SYSTEM = "System packages"
TITLES = (
    (re.escape(BASE), "Base system"),
    (r"RUN .*(apt-get install|packages\.txt)", SYSTEM),
    (r"WORKDIR ", "Home directory"),
    (r"RUN ", "Settings"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLayer:
    """One layer as it is drawn; `x` and `width` are thousandths of the chart."""

    title: str
    layer: Layer
    x: int
    width: int
    share: int
    """Per cent."""
    shade: int


def parts(info: Info) -> list[DrawnLayer]:
    """The layers with their place in the chart, by unpacked bytes, else by compressed ones; empty when unknown."""
    found = info.image.layers if info.image else ()
    sizes = [one.unpacked if info.image and info.image.unpacked else one.compressed for one in found]
    total = sum(size or 0 for size in sizes)
    if not total:
        return []
    widths = fitted([(size or 0) / total for size in sizes])
    names = titles(found)
    return [
        DrawnLayer(
            title=name,
            layer=layer,
            x=sum(widths[:number]),
            width=widths[number],
            share=round(100 * (sizes[number] or 0) / total),
            shade=number % SHADES,
        )
        for number, (name, layer) in enumerate(zip(names, found, strict=True))
    ]


def fitted(shares: Sequence[float]) -> list[int]:
    """Widths that fill the chart, each wide enough to be seen."""
    raw = [max(LEAST, round(share * WIDTH)) for share in shares]
    widest = raw.index(max(raw))
    return [width - (sum(raw) - WIDTH if n == widest else 0) for n, width in enumerate(raw)]


def titles(layers: Sequence[Layer]) -> list[str]:
    """What each layer is for. What is copied before the system's packages was compiled; after them comes Python."""
    names: list[str] = []
    for one in layers:
        copied = "Python environment" if SYSTEM in names else "Compiled here"
        names.append(copied if one.made_by.startswith(COPIED) else title(one.made_by))
    return names


def title(made_by: str) -> str:
    if wheels := WHEELS.fullmatch(made_by):
        return wheels[1]
    return next((name for pattern, name in TITLES if re.match(pattern, made_by)), made_by[:40] or "Layer")


def human(size: int | None) -> str:
    """Bytes for people, in powers of ten like Docker's: `1.2 GB`; a dash when they are not known."""
    if size is None:
        return "\N{EN DASH}"
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.{1 if size < 10 * factor else 0}f} {unit}"
    return f"{size} B"
