"""What declares a namespace, in the words that distributions have for it, and what only looks like it."""

import pytest

from builder.wheels.namespaces import is_namespace

FILE = "/opt/env/lib/python3.6/site-packages/backports/__init__.py"

TRIED = """
try:
    __import__('pkg_resources').declare_namespace(__name__)
except ImportError:
    from pkgutil import extend_path
    __path__ = extend_path(__path__, __name__)
"""


@pytest.mark.parametrize(
    "text",
    [
        "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
        '__path__ = __import__("pkgutil").extend_path(__path__, __name__)',
        "# See PEP 382\n\nfrom pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n",
        "__import__('pkg_resources').declare_namespace(__name__)\n",
        '"""A namespace."""\nimport pkg_resources\npkg_resources.declare_namespace(__name__)\n',
        "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)  # ours\n",
        TRIED,
    ],
)
def test_a_declaration(text: str) -> None:
    assert is_namespace(FILE, text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but a comment\n",
        "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\nimport os\n",
        "__path__ = __import__('os').extend_path(__path__, __name__)\n",
        "__version__ = '1'\n",
        '"""Only words."""\n',
        "import pkg_resources\n",
        "print 'x'\n",
        "if True:\n    __import__('pkg_resources').declare_namespace(__name__)\n",
        "__import__('pkg_resources').declare_namespace('other')\n",
        "(" * 2000,
        TRIED.replace("except ImportError", "except sys.exit()"),
        TRIED.replace("from pkgutil", "import os; from pkgutil"),
        "__import__('pkg_resources').declare_namespace(__name__)\n" * 200,
    ],
)
def test_no_declaration(text: str) -> None:
    assert not is_namespace(FILE, text.encode())


def test_only_the_file_of_a_package_declares() -> None:
    assert not is_namespace("/opt/env/lib/x.py", b"__import__('pkg_resources').declare_namespace(__name__)\n")
