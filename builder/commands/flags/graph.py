"""The flags of building many images as one graph: bake files, builders and caches."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass

from builder.build.cache_flags import Cache, Direction, parse
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions(Options):
    """The flags of `render`."""

    bake: bool = False


def bake(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--bake", action="store_true", help="print a file for `docker buildx bake` with the selected images instead"
    )


def builders(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--builder", metavar="NAME", help="a builder that `docker buildx ls` shows (default: the one that buildx uses)"
    )
    sub.add_argument(
        "--cache-to",
        action="append",
        type=cache("to"),
        default=[],
        metavar="PLACE",
        help="export each image's build cache: a directory, host/name, or type=...; repeatable",
    )
    sub.add_argument(
        "--cache-from", action="append", type=cache("from"), default=[], metavar="PLACE", help="import it from there"
    )


def cache(direction: Direction) -> Callable[[str], Cache]:
    """The type of the flags above."""

    def parsed(text: str) -> Cache:
        try:
            return parse(text, direction)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return parsed
