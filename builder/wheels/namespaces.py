"""The file with which several distributions say that they share a package, each in words of its own.

https://packaging.python.org/en/latest/guides/packaging-namespace-packages/
"""

import ast
import re
from collections.abc import Iterable, Iterator

LARGEST = 4096
"""Bytes."""
PREPARES = re.compile(r"from pkgutil import extend_path|import (pkgutil|pkg_resources)|pass")
DECLARES = re.compile(
    r"__path__ = ((__import__\('pkgutil'\)|pkgutil)\.)?extend_path\(__path__, __name__\)"
    r"|(__import__\('pkg_resources'\)|pkg_resources)\.declare_namespace\(__name__\)"
)
"""What it is as `ast.unparse` writes it, whose quotes are these."""


def is_namespace(path: str, content: bytes) -> bool:
    """Whether a file declares a namespace, and nothing else: which of several is there makes no difference then."""
    if not path.endswith("/__init__.py") or len(content) > LARGEST:
        return False
    try:
        found = [ast.unparse(one) for one in statements(ast.parse(content).body)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    others = [one for one in found if not DECLARES.fullmatch(one)]
    return len(others) < len(found) and all(PREPARES.fullmatch(one) for one in others)


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, those in a plain `try` among them; texts that stand alone say nothing."""
    for one in body:
        if isinstance(one, ast.Try) and all(isinstance(handler.type, ast.Name) for handler in one.handlers):
            yield from statements([*one.body, *(inner for handler in one.handlers for inner in handler.body)])
            yield from statements([*one.orelse, *one.finalbody])
        elif not is_text(one):
            yield one


def is_text(one: ast.stmt) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
