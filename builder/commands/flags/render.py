"""The flags of `render`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.commands.flags.kinds import switch
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions(Options):
    """What `render` reads."""

    bake: bool = False


def bake(sub: ArgumentParser) -> None:
    switch(sub, "--bake", "print a file for `docker buildx bake` with the selected images instead")
