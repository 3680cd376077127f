"""Reads which files a base holds where a layer may write, and what Python and PATH find: in a container of the base."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from builder.derive.contents import HINT
from builder.errors import InputError
from builder.host.cache import SHAPE
from builder.verify.printed import printed

if TYPE_CHECKING:
    import docker

LIST_BASE = r"""
import csv, json, os, sys
def files(one):
    return [str(one.locate_file(file)) for file in one.files or []]
try:
    from importlib.metadata import distributions
    every = [(one.metadata["Name"], files(one)) for one in distributions()]
except ImportError:  # Python 3.6 and 3.7
    import pkg_resources
    every = []
    for path in sys.path:
        for one in pkg_resources.find_distributions(path):
            rows = csv.reader(one.get_metadata_lines("RECORD")) if one.has_metadata("RECORD") else []
            every.append((one.project_name, [os.path.join(one.location, row[0]) for row in rows]))
found = [(at, name) for at, inner, names in os.walk("/opt/env") for name in names + [
    one for one in inner if os.path.islink(os.path.join(at, one))]]
paths = [os.path.join(at, name) for at, name in found]
def names(directory):
    return os.listdir(directory) if os.path.isdir(directory) else []
print(json.dumps({
    "files": paths,
    "empty": [path for path in paths if os.path.isfile(path) and not os.path.getsize(path)],
    "owners": [(name, [os.path.normpath(path) for path in listed]) for name, listed in every if name],
    "import": [(path, names(path)) for path in sys.path if path],
    "programs": [(path, names(path)) for path in os.environ.get("PATH", "").split(":") if path],
}))
"""
SYSTEM = "the operating system of the base"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFiles:
    """What a base holds: the paths below its environment, and the names in each directory that is searched."""

    files: frozenset[str]
    """Files and symbolic links."""
    empty: frozenset[str]
    owners: Mapping[str, str]
    """The distribution of each path that one lists."""
    imported: tuple[tuple[str, frozenset[str]], ...]
    """The directories of sys.path in its order, each with its names."""
    programs: tuple[tuple[str, frozenset[str]], ...]
    """The same for PATH."""

    def distribution(self, path: str) -> str | None:
        """The distribution that lists the path, or the source whose byte code it is."""
        return self.owners.get(path) or self.owners.get(source_of(path))

    def owner(self, path: str) -> str:
        """The distribution that the path is of, or what else."""
        return self.distribution(path) or ("the environment of the base" if path in self.files else SYSTEM)


def source_of(path: str) -> str:
    """Where the source of byte code lies: https://peps.python.org/pep-3147/. Another path is its own."""
    directory, name = posixpath.split(path)
    if not name.endswith(".pyc") or posixpath.basename(directory) != "__pycache__":
        return path
    return f"{posixpath.dirname(directory)}/{name.partition('.')[0]}.py"


def base_files(client: "docker.DockerClient", digest: str) -> BaseFiles:
    """What the base with this digest holds; raises InputError, VerifyError and EngineError as `printed` does."""
    said = printed(client, digest, LIST_BASE)
    try:
        return parsed(said)
    except SHAPE as error:
        raise InputError(f"{digest}: it does not list its files: {error!a:.200}", hint=HINT) from None


def parsed(said: Mapping[str, Any]) -> BaseFiles:
    """The answer of LIST_BASE as values; raises an error of the shape."""
    return BaseFiles(
        files=frozenset(map(str, said["files"])),
        empty=frozenset(map(str, said["empty"])),
        owners={str(path): canonicalize_name(str(name)) for name, paths in said["owners"] for path in paths},
        imported=searched(said["import"]),
        programs=searched(said["programs"]),
    )


def searched(said: Any) -> tuple[tuple[str, frozenset[str]], ...]:  # noqa: ANN401 (JSON)
    return tuple((posixpath.normpath(str(path)), frozenset(map(str, names))) for path, names in said)
