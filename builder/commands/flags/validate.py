"""The flags of `validate`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from builder.commands.flags.kinds import switch
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions(Options):
    """What `validate` reads."""

    as_documented: bool = False


def validate(sub: ArgumentParser) -> None:
    switch(sub, "--as-documented", "judge the documented versions instead of the pins")
