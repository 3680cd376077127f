"""The flags of `validate`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions(Options):
    """What `validate` reads."""

    as_documented: bool = False


def validate(sub: ArgumentParser) -> None:
    sub.add_argument("--as-documented", action="store_true", help="judge the documented versions instead of the pins")
