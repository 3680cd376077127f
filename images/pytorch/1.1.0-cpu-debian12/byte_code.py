"""Compiles Python files for an image, on its own Python, from 3.6 on: byte_code.py PREFIX ROOT TARGET.

What is below ROOT/PREFIX/lib is compiled into TARGET/PREFIX/lib, on every core. Before Python 3.8 the bytes depend on
what the process has compiled before, so each file has a process of its own, forked from this one, which compiles
nothing. A file that is no Python 3 is left out, as `compileall` does.
"""

import os
import py_compile
import sys
from importlib.util import cache_from_source
from typing import List


def main(prefix: str, root: str, target: str) -> None:
    at_once = len(os.sched_getaffinity(0))
    # It would be written as a hash of the source, which Python reads and hashes at every import.
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    paths = sources(root + prefix + "/lib")
    count = at_once if sys.version_info >= (3, 8) else len(paths)
    for number in range(count):
        if number >= at_once:
            ended()
        if not os.fork():
            for path in paths[number::count]:
                compiled(path, path[len(root) :], target)
            os._exit(0)
    for _ in range(min(at_once, count)):
        ended()


def ended() -> None:
    """Wait for a process; raises SystemExit when it failed, as for want of memory."""
    if os.wait()[1]:
        raise SystemExit("a process that compiled has failed")


def sources(top: str) -> List[str]:
    """The Python files below a directory, through no link."""
    found = [os.path.join(at, name) for at, _, names in os.walk(top) for name in names if name.endswith(".py")]
    return sorted(path for path in found if not os.path.islink(path))


def compiled(path: str, shown: str, target: str) -> None:
    """Compile a file that lies at `shown` in the image."""
    code = cache_from_source(target + shown)
    os.makedirs(os.path.dirname(code), exist_ok=True)
    try:
        py_compile.compile(path, code, shown, doraise=True)
        os.chmod(code, 0o644)
    except (py_compile.PyCompileError, SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        pass


main(*sys.argv[1:])
