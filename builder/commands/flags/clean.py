"""The flags of `clean`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanOptions(Options):
    """What `clean` reads."""

    remove_images: bool = False
    remove_bases: bool = False


def clean(sub: ArgumentParser) -> None:
    sub.add_argument("--images", action="store_true", dest="remove_images", help="also remove our images without a tag")
    sub.add_argument(
        "--bases",
        action="store_true",
        dest="remove_bases",
        help="also remove cached bases that a newer one has replaced, unless one is a toolchain base",
    )
