"""The file with which several distributions say that they share a package, each in words of its own.

https://packaging.python.org/en/latest/guides/packaging-namespace-packages/
"""

import re

LARGEST = 4096
"""Bytes."""
DECLARATION = re.compile(
    r"from pkgutil import extend_path"
    r"|__path__ = (__import__\((?P<q>['\"])pkgutil(?P=q)\)\.)?extend_path\(__path__, __name__\)"
    r"|__import__\((?P<p>['\"])pkg_resources(?P=p)\)\.declare_namespace\(__name__\)"
)


def is_namespace(path: str, content: bytes) -> bool:
    """Whether a file declares a namespace, and nothing else: which of several is there makes no difference then."""
    if not path.endswith("/__init__.py") or len(content) > LARGEST:
        return False
    lines = [line.partition("#")[0].strip() for line in content.decode("utf-8", "replace").splitlines()]
    return any(lines) and all(DECLARATION.fullmatch(line) for line in lines if line)
