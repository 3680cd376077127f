"""The scripts of entry points, as the `pip` of a row writes them: its own text is read out of its wheel.

What it is in the source of pip: `script_template` of `PipScriptMaker`, before pip 25.1 `SCRIPT_TEMPLATE` of distlib.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from zipfile import BadZipFile, ZipFile

from builder.errors import InputError
from builder.wheels.interpreter import PYTHON

PLACES = ("pip/_internal/operations/install/wheel.py", "pip/_vendor/distlib/scripts.py")
MARK = "%(import_name)s"
USUAL = """\
import sys
from %(module)s import %(import_name)s
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(%(func)s())
"""
"""The text of pip 26."""


def template(pip: Path) -> str:
    """The text of a script in the wheel of `pip`; raises InputError when it has none."""
    try:
        with ZipFile(pip) as archive:
            texts = (one for place in PLACES for one in constants(archive.read(place).decode()))
            return dedent(next(text for text in texts if MARK in text))
    except (BadZipFile, OSError, KeyError, SyntaxError, ValueError, StopIteration):
        hint = "pin another pip in matrix.yaml, then python -m builder lock"
        raise InputError(f"{pip.name}: it does not hold the text of the scripts that pip writes", hint=hint) from None


def constants(source: str) -> Iterator[str]:
    """The texts in a Python file."""
    nodes = ast.walk(ast.parse(source))
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def script(template: str, module: str, attribute: str) -> bytes:
    """The script of an entry point such as `package.module:main`."""
    name = attribute.partition(".")[0]
    text = template % {"module": module, "import_name": name, "func": attribute}
    return f"#!{PYTHON}\n{text}".encode()
