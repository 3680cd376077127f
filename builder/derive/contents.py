"""Reads which distributions and conda packages an image holds: in a container once, later from the cache."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.derive.request import Contents, Held
from builder.host.cache import cache_directory, keep, known
from builder.matrix.probes import PYTHON
from builder.matrix.promise import Promise, promise_in

if TYPE_CHECKING:
    import docker

Images = Mapping[str, Any]
HINT = "python -m builder list, for the images to derive from"
CONDA_META = "/opt/env/conda-meta"
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
    found = ask(client, digest)
    keep(file_of(digest), {"found": found}, "the image will be asked again next time")
    return parsed(digest, promised, found)


def file_of(digest: str) -> Path:
    return cache_directory() / "contents" / f"{digest.removeprefix('sha256:')}.json"


def remembered(digest: str, promised: Promise) -> Contents | None:
    """The contents in this host's cache, or None."""
    return known(file_of(digest), lambda content: parsed(digest, promised, content["found"]))


def promise(image: Images) -> Promise:
    """The promise in the image's label; raises InputError when there is none that can be read."""
    return promise_in((image.get("Config") or {}).get("Labels") or {}, str(image["Id"]), HINT)


def ask(client: "docker.DockerClient", digest: str) -> Mapping[str, Any]:
    """The document that READ prints, run by the image's Python in a container without a network."""
    said = client.containers.run(
        digest, ["-c", READ], entrypoint=[PYTHON], remove=True, network_mode="none", stderr=False
    )
    return dict(json.loads(bytes(said).decode("utf-8").splitlines()[-1]))


def parsed(digest: str, promised: Promise, found: Mapping[str, Any]) -> Contents:
    """The contents from the document that READ prints; of two distributions of one name, import finds the first."""
    distributions: dict[str, Held] = {}
    for name, version, requires, python in found["distributions"]:
        if name:
            texts = tuple(text for text in map(str, requires) if is_requirement(text))
            held = Held(version=str(version), requires=texts, python=str(python))
            distributions.setdefault(canonicalize_name(name), held)
    return Contents(
        digest=digest,
        promise=promised,
        python=str(found["python"]),
        glibc=str(found["glibc"]),
        distributions=distributions,
        site_packages=str(found["site_packages"]),
        conda=tuple(found["conda"]) if found["conda"] is not None else None,
    )


def is_requirement(text: str) -> bool:
    """Whether a distribution's requirement can be parsed; pip, too, ignores those that cannot."""
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True
