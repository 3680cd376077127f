"""What is known of the selected images: from image-info.json, a registry, or this engine."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from builder import engine, infofile, stock
from builder.commands.inputs import matrix_and_cells
from builder.errors import InputError
from builder.imageinfo import Info, info_of
from builder.names import cell

if TYPE_CHECKING:
    from builder.spec import ImageSpec
    from builder.viewing import Viewing


def infos(options: "Viewing", *, listing: bool) -> tuple[Info, ...]:
    """The selected cells, each with its image where there is one."""
    _, cells = matrix_and_cells(options, listing=listing)
    if options.image_info:
        return from_file(options, cells)
    with engine.connected() as client:
        found = stock.on_engine(client, cells)
    return tuple(info_of(spec, found.get(cell(spec))) for spec in cells)


def from_file(options: "Viewing", cells: "Sequence[ImageSpec]") -> tuple[Info, ...]:
    """The entries of the selected cells; raises InputError when the file lacks one."""
    assert options.image_info  # noqa: S101 (the caller asked)
    by_name = {info.name: info for info in infofile.load(options.image_info)}
    missing = [f"{options.image_info}: it has no {cell(spec)}" for spec in cells if cell(spec) not in by_name]
    if missing:
        raise InputError(missing, hint=f"python -m builder image-info --output {options.image_info}")
    return tuple(by_name[cell(spec)] for spec in cells)
