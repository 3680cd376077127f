"""The flags of `render`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions(Options):
    """What `render` reads."""

    bake: bool = False


def bake(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--bake", action="store_true", help="print a file for `docker buildx bake` with the selected images instead"
    )
