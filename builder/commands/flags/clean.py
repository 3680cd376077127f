"""The flags of `clean`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanOptions(Options):
    """What `clean` removes besides what interrupted runs left."""

    remove_images: bool = False
    remove_bases: bool = False


def clean(sub: ArgumentParser) -> None:
    sub.add_argument("--images", action="store_true", dest="remove_images", help="also our images that have no tag")
    sub.add_argument(
        "--bases",
        action="store_true",
        dest="remove_bases",
        help="also cached bases that a newer one of their platform has replaced, and no toolchain stands on",
    )
