"""The flags of the verbs that attest images and check what was attested."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestOptions(Options):
    """What the attesting verbs read."""

    image: str = ""


def image(sub: ArgumentParser) -> None:
    sub.add_argument("image", metavar="IMAGE", help="a tag, an id or a digest that the engine has")
