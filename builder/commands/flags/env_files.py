"""Files of variables as `docker run --env-file` reads them."""

import os
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path

from builder.matrix.regular_file import read_bytes

LIMIT = 1 << 20
Pair = tuple[str, str]


def env_file(text: str) -> tuple[Pair, ...]:
    """The variables of a file. Raises ArgumentTypeError with the line that is wrong."""
    try:
        content = read_bytes(Path(text).expanduser(), LIMIT).decode("utf-8-sig")
    except (OSError, RuntimeError, ValueError) as error:
        raise ArgumentTypeError(f"{text}: {getattr(error, 'strerror', None) or error}") from None
    return tuple(pairs(text, content))


def pairs(file: str, content: str) -> Iterator[Pair]:
    """The variables line by line. A value is all that follows the first `=`, quotes included, as docker has it.

    NAME alone takes the variable from here, where there is one; a line that begins with `#` says nothing.
    """
    for number, line in enumerate(content.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.lstrip().partition("=")
        if not name or any(map(str.isspace, name.rstrip() if not equals else name)) or "\0" in line:
            raise ArgumentTypeError(f"{file}:{number}: {line[:80]!r} is not NAME=VALUE")
        if equals or name.rstrip() in os.environ:
            yield name.rstrip(), value if equals else os.environ[name.rstrip()]
