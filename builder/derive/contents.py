"""Reads which distributions and conda packages an image holds: in a container once, later from the cache.

The image's own Python says it, and anybody can make an image. So names and versions, which become names of files on
this host, keep to the rules of a matrix; anything else is refused.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from builder.dependencies.metadata import normal
from builder.derive.request import Contents, Held
from builder.errors import InputError
from builder.host.cache import SHAPE, cache_directory, keep, known
from builder.host.foreign_json import foreign_json
from builder.matrix.derived_label import DISTRIBUTION
from builder.matrix.promise import MEASURED, Promise, matched, promise_in
from builder.matrix.version import VERSION_PATTERN
from builder.verify.printed import printed

if TYPE_CHECKING:
    import docker

Images = Mapping[str, Any]
HINT = "python -m builder list, for the images to derive from"
SITE_PACKAGES = re.compile(r"/opt/env/lib/python3\.[0-9]{1,2}/site-packages")
CONDA_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!-]{0,99}")
"""The name, version or build of a conda package; the three are the name of its record."""
READ = r"""
import glob, json, os, platform, sys, sysconfig
try:
    from importlib.metadata import distributions
    every = [(one.metadata["Name"], one.version, one.requires or [], one.metadata["Requires-Python"] or "")
             for one in distributions()]
except ImportError:  # Python 3.6 and 3.7
    import email.parser, pkg_resources
    every = []
    for path in sys.path:
        for one in pkg_resources.find_distributions(path):
            text = one.get_metadata(one.PKG_INFO) if one.has_metadata(one.PKG_INFO) else ""
            found = email.parser.HeaderParser().parsestr(text)
            listed = found.get_all("Requires-Dist") or [str(need) for need in one.requires()]
            every.append((one.project_name, one.version, listed, found.get("Requires-Python") or ""))
conda = [open(name).read() for name in sorted(glob.glob("/opt/env/conda-meta/*.json"))]
print(json.dumps({
    "python": platform.python_version(),
    "glibc": os.confstr("CS_GNU_LIBC_VERSION").split()[1],
    "site_packages": sysconfig.get_paths()["purelib"],
    "distributions": every,
    "conda": conda if os.path.isdir("/opt/env/conda-meta") else None,
}))
"""


def contents(client: "docker.DockerClient", image: Images) -> Contents:
    """What an image holds; raises InputError when no build of ours made it, EngineError when it does not run."""
    promised = promise(image)
    digest = str(image["Id"])
    if before := remembered(digest, promised):
        return before
    found = printed(client, digest, READ)
    try:
        held = parsed(digest, promised, found)
    except SHAPE as error:
        raise InputError(f"{digest}: its Python does not say what it holds: {error!a:.200}", hint=HINT) from None
    keep(file_of(digest), {"found": found}, "the image will be asked again next time")
    return held


def file_of(digest: str) -> Path:
    return cache_directory() / "contents" / f"{digest.removeprefix('sha256:')}.json"


def remembered(digest: str, promised: Promise) -> Contents | None:
    """The contents in this host's cache, or None."""
    return known(file_of(digest), lambda content: parsed(digest, promised, content["found"]))


def promise(image: Images) -> Promise:
    """The promise in the image's label; raises InputError when there is none that can be read."""
    return promise_in((image.get("Config") or {}).get("Labels") or {}, str(image["Id"]), HINT)


def parsed(digest: str, promised: Promise, found: Mapping[str, Any]) -> Contents:
    """The contents from the document that READ prints; of two distributions of one name, import finds the first.

    Raises ValueError, or an error of the shape, for a name, version or path that no image of ours has.
    """
    distributions: dict[str, Held] = {}
    for name, version, requires, python in found["distributions"]:
        if name:
            held = held_of(version, requires, python)
            distributions.setdefault(canonicalize_name(matched(name, DISTRIBUTION)), held)
    return Contents(
        digest=digest,
        promise=promised,
        python=matched(found["python"], VERSION_PATTERN),
        glibc=matched(found["glibc"], VERSION_PATTERN),
        distributions=distributions,
        site_packages=matched(found["site_packages"], SITE_PACKAGES),
        conda=None if found["conda"] is None else tuple(map(conda_record, found["conda"])),
    )


def held_of(version: object, requires: Iterable[object], python: object) -> Held:
    """A distribution of an image; raises ValueError for a version that is none."""
    # pip, too, ignores requirements that cannot be parsed.
    texts = tuple(filter(None, map(normal, map(str, requires))))
    return Held(version=matched(version, MEASURED), requires=texts, python=limit(str(python)))


def limit(python: str) -> str:
    """The limit on Python's version; empty for a text that is none."""
    try:
        return str(SpecifierSet(python))
    except InvalidSpecifier:
        return ""


def conda_record(text: object) -> str:
    """The record of a conda package, as its file has it; raises ValueError, or an error of the shape."""
    record = foreign_json(str(text))
    for key in ("name", "version", "build"):
        matched(record[key], CONDA_WORD)
    return str(text)
