"""Imports each module of each distribution, in an image: on its Python, from 3.6 on, and never copied into it.

It prints a line of JSON for each module: the distribution, its version, the module, and the error, empty for none. One
process imports many modules, and another goes on where a module ends it. What failed is tried once more alone, as an
earlier module may be to blame.
"""

import contextlib
import email.parser
import importlib
import importlib.machinery
import json
import keyword
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from typing import Dict, Iterable, List, NoReturn, Optional, Set, Tuple

Who = Tuple[str, str]
"""The name and version of a distribution."""
DEEPEST = 4
"""Names in a module below namespaces, such as google.api_core."""
SHOWN = 300
"""Characters of an error."""
MODULE_SECONDS = 60.0


def main(seconds: float) -> None:
    home = tempfile.mkdtemp()
    os.environ.update(HOME=home, XDG_CACHE_HOME=home, XDG_CONFIG_HOME=home, MPLCONFIGDIR=home, CUDA_CACHE_PATH=home)
    os.chdir(home)
    sys.path[:] = [path for path in sys.path if path]
    found = modules([path for path in sys.path if os.path.isdir(path)])
    try:
        errors = every(sorted({module for _, _, module in found}), seconds)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    for name, version, module in found:
        print(json.dumps([name, version, module, errors[module]]))


def modules(directories: List[str]) -> List[Tuple[str, str, str]]:
    """The name and version of each distribution with each module to import, the same each time."""
    files: Dict[Who, Set[str]] = {}
    for directory in directories:
        for entry in sorted(os.listdir(directory)):
            if entry.endswith((".dist-info", ".egg-info")):
                metadata = os.path.join(directory, entry)
                files.setdefault(identity(metadata), set()).update(listed(metadata))
    shared = shared_directories(files)
    return [(who[0], who[1], module) for who in sorted(files) for module in sorted(entries(files[who], shared))]


def identity(metadata: str) -> Who:
    """The name and version that a distribution's metadata says."""
    for file in ("METADATA", "PKG-INFO", ""):
        path = os.path.join(metadata, file).rstrip("/")
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as stream:
                fields = email.parser.HeaderParser().parse(stream)
            return fields.get("Name") or "", fields.get("Version") or ""
    return os.path.basename(metadata), ""


def listed(metadata: str) -> List[str]:
    """The files of a distribution, relative to where it is installed; an egg's from the names of its modules."""
    record, names = os.path.join(metadata, "RECORD"), os.path.join(metadata, "top_level.txt")
    if os.path.isfile(record):
        with open(record, encoding="utf-8", errors="replace") as stream:
            return [line.rsplit(",", 2)[0].strip('"') for line in stream]
    if os.path.isfile(names):
        with open(names, encoding="utf-8", errors="replace") as stream:
            return [name.strip() + "/__init__.py" for name in stream if name.strip()]
    return []


def shared_directories(files: Dict[Who, Set[str]]) -> Set[str]:
    """The top directories in which several distributions have files: namespaces, with or without an `__init__.py`."""
    owners: Dict[str, Set[Who]] = {}
    for who, paths in files.items():
        for path in paths:
            for directory in parents(path):
                owners.setdefault(directory, set()).add(who)
    return {directory for directory, found in owners.items() if len(found) > 1}


def parents(path: str) -> List[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def entries(paths: Iterable[str], shared: Set[str]) -> Set[str]:
    """The modules to import: the first below the namespaces, where most distributions have just one."""
    packages = {os.path.dirname(path) for path in paths if os.path.basename(path).startswith("__init__.")}
    found = set()
    for path in paths:
        own = next((one for one in parents(path) if one in packages and one not in shared), None)
        name = own.split("/") if own else plain(path)
        if name and len(name) <= DEEPEST and is_public(name):
            found.add(".".join(name))
    return found


def is_public(name: List[str]) -> bool:
    """Whether it can be written in an import, and is not a namespace's own business."""
    is_name = all(one.isidentifier() and not keyword.iskeyword(one) for one in name)
    return is_name and not any(one.startswith("_") for one in name[1:])


def plain(path: str) -> List[str]:
    """The name of a module that is a file, also below directories that are no packages; empty for other files."""
    for suffix in importlib.machinery.all_suffixes():
        if path.endswith(suffix) and not path.endswith(".pyc"):
            name = path[: -len(suffix)].split("/")
            if suffix == ".so" and name[-1].startswith("lib"):
                return []  # A library beside the modules, as in NVIDIA's wheels.
            return name[:-1] if name[-1] == "__init__" else name
    return []


def every(names: List[str], seconds: float) -> Dict[str, str]:
    """The error of each module, empty for none."""
    errors: Dict[str, str] = {}
    ends = time.monotonic() + seconds
    while len(errors) < len(names):
        errors.update(batch(names[len(errors) :], ends))
    for name in [one for one, error in errors.items() if error]:
        errors.update(batch([name], ends))
    return errors


def batch(names: List[str], ends: float) -> Dict[str, str]:
    """The errors of the modules that one process came to, in their order; it is ended with all that it started."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        imported(names, writing)
    os.close(writing)
    errors: Dict[str, str] = {}
    last = names[0]
    try:
        for name in names:
            last = name
            answer = line(reading, min(ends, time.monotonic() + MODULE_SECONDS))
            if answer is None:
                break
            errors[name] = json.loads(answer)
    finally:
        os.close(reading)
        code = ended(child)
    if last not in errors:
        errors[last] = died(code)
    return errors


def died(code: int) -> str:
    """How a process ended before it answered: by our signal only where there was no answer in time."""
    if os.WIFSIGNALED(code) and os.WTERMSIG(code) == signal.SIGKILL:
        return "no answer in time, or killed for want of memory: its import hangs"
    if os.WIFSIGNALED(code):
        return f"it crashes Python: signal {os.WTERMSIG(code)}"
    return f"it ends Python: exit code {os.WEXITSTATUS(code)}"


def ended(child: int) -> int:
    """The status of a process that has ended, or is ended now."""
    for _ in range(50):  # it closed its pipe: what it ends with says why
        found, code = os.waitpid(child, os.WNOHANG)
        if found:
            return code
        time.sleep(0.002)
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):  # it may not lead its group yet
            kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def line(stream: int, ends: float) -> Optional[str]:
    """The next line; None when the other end is closed, or time is over."""
    content = b""
    while not content.endswith(b"\n"):
        ready = select.select([stream], [], [], max(0, ends - time.monotonic()))[0]
        more = os.read(stream, 1) if ready else b""
        if not more:
            return None
        content += more
    return content.decode("utf-8", "replace")


def imported(names: List[str], answers: int) -> NoReturn:
    """Import each, and write its error; what modules print goes nowhere."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    for name in names:
        error = ""
        try:
            importlib.import_module(name)
        except BaseException as raised:  # noqa: BLE001 (also SystemExit)
            error = f"{type(raised).__name__}: {raised}"[:SHOWN]
        os.write(answers, (json.dumps(error) + "\n").encode())
    os._exit(0)
