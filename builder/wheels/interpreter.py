"""The Python of an environment, as far as the files that a wheel becomes depend on it."""

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import InputError
from builder.host.cache import SHAPE, cache_directory, checksum, keep, known
from builder.matrix.promise import matched
from builder.matrix.version import VERSION_PATTERN
from builder.verify.printed import HINT, printed

if TYPE_CHECKING:
    import docker

ENVIRONMENT = "/opt/env"
PYTHON = f"{ENVIRONMENT}/bin/python"
SITE_PACKAGES = re.compile(r"/opt/env/lib/python3\.[0-9]{1,2}/site-packages")
TAG = re.compile(r"[a-z]{1,20}-[0-9]{1,4}")
BUILD = re.compile(r"[ -~\n]{1,300}")
DIRECTORY = re.compile(r"/opt(/env(/[\w.+-]{1,100}){0,3})?")
READ = r"""
import json, os, platform, stat, sys, sysconfig
top = "/opt/env"
found = ["/opt", top] + [os.path.join(at, name) for at, inner, _ in os.walk(top)
                         for name in inner if at.count("/") < 5 and "site-packages/" not in at + "/"]
def owned(path):
    one = os.lstat(path)
    return [stat.S_IMODE(one.st_mode), one.st_uid, one.st_gid]
print(json.dumps({
    "python": platform.python_version(),
    "build": sys.version,
    "tag": sys.implementation.cache_tag,
    "site_packages": sysconfig.get_paths()["purelib"],
    "directories": {path: owned(path) for path in found if not os.path.islink(path)},
    "links": {path: os.path.realpath(path) for path in found if os.path.islink(path)},
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The mode and the numbers of the owner and group of a directory."""

    mode: int = 0o755
    user: int = 0
    group: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python and where it looks; `python` is its version, such as 3.11.2, and `build` all that it says of itself."""

    python: str
    site_packages: str
    build: str = ""
    tag: str = ""
    """What the names of its byte code have: `cpython-311`."""
    directories: Mapping[str, Directory] = field(default_factory=dict)
    """The directories of the environment that a wheel may write into."""
    links: Mapping[str, str] = field(default_factory=dict)
    """The symbolic links among them, and the directory that each leads to."""

    @property
    def key(self) -> str:
        """A hash over all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def resolved(self, path: str) -> str:
        """The path behind the links of the environment: below `lib` for one below `lib64`, where that leads there."""
        for link, target in self.links.items():
            if path.startswith(f"{link}/"):
                return target + path.removeprefix(link)
        return path

    def byte_code(self, path: str) -> str:
        """Where the byte code of a source lies: https://peps.python.org/pep-3147/."""
        directory, name = posixpath.split(path)
        return f"{directory}/__pycache__/{name.removesuffix('.py')}.{self.tag}.pyc"


def interpreter(client: "docker.DockerClient", digest: str) -> Interpreter:
    """That of an image, read in a container once and remembered by the digest.

    Raises InputError, VerifyError and EngineError as `printed` does.
    """
    file = cache_directory() / "interpreters" / f"{digest.removeprefix('sha256:')}.json"
    if before := remembered(file, digest):
        return before
    said = printed(client, digest, READ)
    try:
        found = parsed(said)
    except SHAPE as error:
        raise InputError(f"{digest}: its Python does not say where it is: {error!a:.200}", hint=HINT) from None
    keep(file, {"found": said, "sha256": checksum(said, digest)}, "the image will be asked again next time")
    return found


def remembered(file: Path, digest: str) -> Interpreter | None:
    """That in this host's cache, or None; a record that was edited is said."""

    def read(content: Mapping[str, Any]) -> Interpreter:
        if content["sha256"] != checksum(content["found"], digest):
            raise ValueError("it is not as it was written")
        return parsed(content["found"])

    return known(file, read)


def parsed(said: Mapping[str, Any]) -> Interpreter:
    """The interpreter from what READ prints; raises an error of the shape for what no image of ours has."""
    return Interpreter(
        python=matched(said["python"], VERSION_PATTERN),
        build=matched(said["build"], BUILD),
        tag=matched(said["tag"], TAG),
        site_packages=matched(said["site_packages"], SITE_PACKAGES),
        directories=directories(said),
        links=links(said),
    )


def directories(said: Mapping[str, Any]) -> dict[str, Directory]:
    """The directories that READ lists; raises an error of the shape."""
    return {path: directory(*found) for path, found in said["directories"].items() if DIRECTORY.fullmatch(path)}


def links(said: Mapping[str, Any]) -> dict[str, str]:
    """The links that READ lists, those that lead out of the environment left out; raises an error of the shape."""
    found = {path: str(to) for path, to in said["links"].items()}
    return {path: to for path, to in found.items() if DIRECTORY.fullmatch(path) and DIRECTORY.fullmatch(to)}


def directory(mode: object, user: object, group: object) -> Directory:
    return Directory(mode=int(str(mode)) & 0o7777, user=int(str(user)), group=int(str(group)))
