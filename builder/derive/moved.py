"""Finds what a layer would overwrite in its base, or hide from Python or from PATH there, with both owners. Pure.

Python finds a package before an extension module, that before a module, and the directories of sys.path in order:
https://docs.python.org/3/library/importlib.html#importlib.machinery.PathFinder. Every `.pth` in site-packages, and
the modules sitecustomize and usercustomize, run when Python starts: https://docs.python.org/3/library/site.html.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from builder.derive.base_files import SYSTEM, BaseFiles
from builder.wheels.tree import parents

AT_START = ("sitecustomize", "usercustomize")
OF_PYTHON = re.compile(r"/opt/env/(bin/)?(pyvenv\.cfg|python[0-9]*\._pth)|/opt/env/lib/python[0-9]+\.zip")
MODULE = re.compile(r"(?P<name>[^/.]+)(\.(cpython-|abi3|pypy)[\w-]*|\.opt-[12])*\.(py|pyc|so)")
INFORMATION = re.compile(r"(?P<name>[^/-]+)(-[^/]*)?\.(dist-info|egg-info)")
# What setuptools writes, to the letter: https://github.com/pypa/setuptools, setup.py and setuptools/namespaces.py.
DISTUTILS = re.compile(
    r"import os; ?var = 'SETUPTOOLS_USE_DISTUTILS'; ?enabled = os\.environ\.get\(var, '(local|stdlib)'\) == 'local'; ?"
    r"enabled and __import__\('_distutils_hack'\)(\.add_shim\(\))?;? ?"
)
NAMESPACE = re.compile(
    r"import sys, types, os;has_mfs = sys\.version_info > \(3, 5\);"
    r"p = os\.path\.join\(sys\._getframe\(1\)\.f_locals\['sitedir'\], \*\('\w+'(, ?'\w+')*,?\)\);"
    r"importlib = has_mfs and __import__\('importlib\.util'\);has_mfs and __import__\('importlib\.machinery'\);"
    r"m = has_mfs and sys\.modules\.setdefault\('(?P<name>[\w.]+)', importlib\.util\.module_from_spec\("
    r"importlib\.machinery\.PathFinder\.find_spec\('(?P=name)', \[os\.path\.dirname\(p\)\]\)\)\);"
    r"m = m or sys\.modules\.setdefault\('(?P=name)', types\.ModuleType\('(?P=name)'\)\);"
    r"mp = \(m or \[\]\) and m\.__dict__\.setdefault\('__path__',\[\]\);\(p not in mp\) and mp\.append\(p\)"
    r"(;m and setattr\(sys\.modules\['[\w.]+'\], '\w+', m\))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The files of a layer: the owner of each path, the empty ones, and the text of each `.pth`."""

    owners: Mapping[str, str]
    empty: frozenset[str]
    starts: Mapping[str, str]


def moved(layer: Written, base: BaseFiles, replaced: frozenset[str], site_packages: str) -> Iterator[str]:
    """One text for each file of the layer that would move something of the base.

    What a distribution in `replaced` holds may be overwritten.
    """
    kept = {path for path in base.files if base.distribution(path) not in replaced}
    yield from overwritten(layer, base, kept)
    yield from hidden_modules(layer, base, kept, site_packages)
    yield from hidden_programs(layer, base)
    yield from at_start(layer, base, replaced, site_packages)
    yield from of_others(layer, site_packages)


def overwritten(layer: Written, base: BaseFiles, kept: set[str]) -> Iterator[str]:
    """Files that the base has, files where it has a directory, and files below what is a file or link there."""
    directories = {parent for path in kept for parent in parents(path)}
    for path, owner in layer.owners.items():
        if path in kept and path not in base.empty & layer.empty:
            yield f"{owner} would overwrite {path}, of {base.owner(path)}"
        elif path in directories:
            yield f"{owner} would put a file in the place of the directory {path} of the base"
        elif below := next((parent for parent in parents(path) if parent in kept), None):
            yield f"{owner} would write {path} through {below}, of {base.owner(below)}"


def hidden_modules(layer: Written, base: BaseFiles, kept: set[str], site_packages: str) -> Iterator[str]:
    """Modules that Python would find in the layer where it found another file of the base."""
    known = {name: path for path in kept if "/__pycache__/" not in path and (name := module(path))}
    namespaces = {parent for path in kept for parent in parents(path)} - known.keys()
    later = names_after(site_packages, base)
    for path, owner in layer.owners.items():
        name = module(path)
        top = name.removeprefix(f"{site_packages}/")
        if not name or path in kept:
            continue
        if name in known:
            yield f"{owner} would hide {known[name]}, of {base.owner(known[name])}, behind {path}"
        elif name in namespaces and path not in layer.empty:
            yield f"{owner} would make a package of {name}, a directory that distributions of the base share"
        elif top in later:
            yield f"{owner} would hide {later[top]}, of {SYSTEM}, behind {path}"
        elif not path.startswith(f"{site_packages}/") and is_searched(path, base):
            yield f"{owner} would write {path}, where the base's Python finds modules of its own"


def hidden_programs(layer: Written, base: BaseFiles) -> Iterator[str]:
    """Programs of the base that PATH would find in the layer; what the layer adds behind them hides nothing."""
    order = [directory for directory, _ in base.programs]
    for path, owner in layer.owners.items():
        directory, name = posixpath.split(path)
        at = order.index(directory) if directory in order else len(order)
        hidden = next((f"{one}/{name}" for one, names in base.programs[at + 1 :] if name in names), None)
        if hidden:
            yield f"{owner} would hide the program {hidden}, of {base.owner(hidden)}, behind {path}"


def at_start(layer: Written, base: BaseFiles, replaced: frozenset[str], site_packages: str) -> Iterator[str]:
    """What would run or be read whenever the base's Python starts."""
    for path, owner in layer.owners.items():
        directory, name = posixpath.split(path)
        is_start = module(path).removeprefix(f"{site_packages}/") in AT_START or OF_PYTHON.fullmatch(path)
        is_pth = name.endswith(".pth") and directory in {one for one, _ in base.imported} | {site_packages}
        is_old = base.distribution(path) in replaced
        if is_start or (is_pth and not is_old and not is_known(layer.starts.get(path, ""), base, site_packages)):
            yield f"{owner} would change every start of the base's Python by {path}"


def of_others(layer: Written, site_packages: str) -> Iterator[str]:
    """Metadata of a distribution that is none of what is added."""
    names = set(layer.owners.values())
    for path, owner in layer.owners.items():
        first = path.removeprefix(f"{site_packages}/").partition("/")[0]
        found = INFORMATION.fullmatch(first) if path.startswith(f"{site_packages}/") else None
        if found and "conda" not in names and canonicalize_name(found["name"]) != owner:
            yield f"{owner} would write {path}, the metadata of another distribution"


def is_known(text: str, base: BaseFiles, site_packages: str) -> bool:
    """Whether a `.pth` has only lines of setuptools, and none that makes a namespace of a package of the base."""
    for line in filter(None, map(str.strip, text.splitlines())):
        found = NAMESPACE.fullmatch(line)
        place = f"{site_packages}/{found['name'].replace('.', '/')}" if found else ""
        if found and base.files.isdisjoint((f"{place}/__init__.py", f"{place}.py")):
            continue
        if not DISTUTILS.fullmatch(line):
            return False
    return True


def module(path: str) -> str:
    """The path without what differs between the files of one module; empty for what Python does not import."""
    directory, name = posixpath.split(path)
    found = MODULE.fullmatch(name)
    if not found:
        return ""
    directory = directory.removesuffix("/__pycache__")
    return directory if found["name"] == "__init__" else f"{directory}/{found['name']}"


def names_after(site_packages: str, base: BaseFiles) -> dict[str, str]:
    """The path of each module in the directories that Python searches after site-packages."""
    order = [directory for directory, _ in base.imported]
    at = order.index(site_packages) if site_packages in order else len(order)
    found: dict[str, str] = {}
    for directory, names in base.imported[at + 1 :]:
        for name in sorted(names):
            top = module(f"{directory}/{name}") or ("" if "." in name else f"{directory}/{name}")
            found.setdefault(posixpath.basename(top), f"{directory}/{name}")
    return found


def is_searched(path: str, base: BaseFiles) -> bool:
    """Whether it is, or stands directly in, a directory or archive of sys.path."""
    places: Iterable[str] = {directory for directory, _ in base.imported}
    return path in places or posixpath.dirname(path) in places
