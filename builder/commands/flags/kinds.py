"""The kinds of flags. A flag that is not given has the default of its field in the options."""

from argparse import _ActionsContainer
from collections.abc import Callable

Kind = Callable[[str], object]
"""Makes a value from text; raises ArgumentTypeError."""


def switch(flags: _ActionsContainer, flag: str, text: str, dest: str | None = None) -> None:
    """A flag without a value."""
    flags.add_argument(flag, action="store_true", dest=dest, help=text)


def value(flags: _ActionsContainer, flag: str, metavar: str, text: str | None = None, kind: Kind = str) -> None:
    """A flag with one value, which is text unless `kind` makes it another type."""
    flags.add_argument(flag, type=kind, metavar=metavar, help=text)


def repeatable(
    flags: _ActionsContainer,
    flag: str,
    dest: str,
    metavar: str,
    text: str | None = None,
    kind: Kind = str,
    *,
    required: bool = False,
) -> None:
    """A flag that may be given several times."""
    flags.add_argument(flag, action="append", type=kind, dest=dest, metavar=metavar, required=required, help=text)
