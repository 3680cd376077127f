"""The flags of `clean`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.commands.flags.kinds import switch
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanOptions(Options):
    """What `clean` reads."""

    remove_images: bool = False
    remove_bases: bool = False
    remove_layers: bool = False


def clean(sub: ArgumentParser) -> None:
    switch(sub, "--images", "also remove our images without a tag", dest="remove_images")
    text = "also remove cached bases that a newer one has replaced, unless one is a toolchain base"
    switch(sub, "--bases", text, dest="remove_bases")
    text = "also remove the layers that this host keeps for builds, derived images and pushes"
    switch(sub, "--layers", text, dest="remove_layers")
