"""Makes a layer of wheels and conda packages, and puts the layer on the base."""

import io
import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from builder.build.manifest import Addition, appended, variables_of
from builder.build.oci_layout import ImageDocuments
from builder.derive import conda
from builder.derive.base_files import BaseFiles
from builder.derive.bases import BaseImage
from builder.derive.lockfile import Answer
from builder.derive.moved import Written, moved
from builder.derive.request import Contents
from builder.errors import EngineError, InputError
from builder.host.cache import SHAPE
from builder.registry.descriptors import mapping
from builder.verify.printed import printed
from builder.wheels.blob import Blob, Tar, pack
from builder.wheels.interpreter import ENVIRONMENT, Interpreter
from builder.wheels.tree import Tree
from builder.wheels.unpack import SHOWN, unpack

if TYPE_CHECKING:
    import docker
    import rattler

PATH = "PATH"
MADE_BY = "framework-images derive"
KEEP = "leave out that --override, and ask for the version that the image holds"
LIST_FILES = r"""
import csv, json, os, sys
try:
    from importlib.metadata import distributions
    every = [(one.metadata["Name"], one.files and [str(one.locate_file(file)) for file in one.files])
             for one in distributions()]
except ImportError:  # Python 3.6 and 3.7
    import pkg_resources
    every = []
    for path in sys.path:
        for one in pkg_resources.find_distributions(path):
            rows = csv.reader(one.get_metadata_lines("RECORD")) if one.has_metadata("RECORD") else []
            every.append((one.project_name, [os.path.join(one.location, row[0]) for row in rows]))
print(json.dumps([(name, sorted(map(os.path.normpath, files or []))) for name, files in every]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What goes into a layer: wheels by name, conda packages, and the paths of the base's files that it hides.

    `replaced` names the distributions of the base that `hidden` is of.
    """

    wheels: Mapping[str, Path]
    records: Sequence["rattler.RepoDataRecord"] = ()
    hidden: Iterable[str] = ()
    replaced: frozenset[str] = frozenset()


def layer(parts: Parts, held: Contents, base: BaseFiles, scratch: Path) -> Blob:
    """Writes the layer below `scratch`; the same parts always give the same bytes.

    Raises InputError when a wheel is damaged, two packages hold the same path, or something of the base would move.
    """
    root = conda.linked(parts.records, held, scratch) if parts.records else None

    def fill(tars: Sequence[Tar]) -> None:
        tree = Tree(tars=tars, interpreter=interpreter_of(held, base))
        for name, wheel in sorted(parts.wheels.items()):
            unpack(wheel, name, tree)
        if root:
            add_conda(tree, root, conda.prefix(held))
        for path in sorted(set(parts.hidden) - tree.paths.keys()):
            tree.remove(path)
        assert_nothing_moves(tree, parts, base)

    return pack([scratch / "layer.tar.zst"], fill)[0]


def interpreter_of(held: Contents, base: BaseFiles) -> Interpreter:
    """The Python of the base, with the directories and links that a wheel may meet there."""
    return Interpreter(
        python=held.python, site_packages=held.site_packages, directories=base.directories, links=base.links
    )


def assert_nothing_moves(tree: Tree, parts: Parts, base: BaseFiles) -> None:
    """Raise InputError with what the layer would overwrite or hide in its base."""
    written = Written(owners=tree.paths, empty=frozenset(tree.empty), starts=tree.starts)
    found = list(islice(moved(written, base, parts.replaced, tree.site_packages), SHOWN))
    if found:
        raise InputError(found, hint="the same command without that package, or with another version of it")


def add_conda(tree: Tree, root: Path, prefix: str) -> None:
    """Adds every file of `root`, where conda's packages are linked, below `prefix`."""
    for file in conda.files(root):
        path = f"{prefix}/{file.relative_to(root)}"
        if file.is_symlink():
            tree.link(path, str(file.readlink()), owner="conda")
            continue
        content = file.read_bytes()
        if file.parent == root / "conda-meta":
            content = conda.record(content)
        executable = bool(file.stat().st_mode & 0o100)
        tree.add(path, io.BytesIO(content), executable=executable, owner="conda")


def replaced_by(answer: Answer, held: Contents) -> frozenset[str]:
    """The distributions of the base that the answer brings in another version."""
    return frozenset({one.name for one in answer.distributions} & held.distributions.keys())


def hidden(client: "docker.DockerClient", base: BaseImage, answer: Answer) -> list[str]:
    """The paths of the files that the replaced distributions have in the base, read in a container.

    Raises InputError when the engine lacks the base, EngineError when a distribution does not list its files.
    """
    replaced = replaced_by(answer, base.held)
    if not replaced:
        return []
    if not base.is_here:
        raise InputError(
            f"--override {', '.join(sorted(replaced))}: a program in the base lists the files to replace,"
            f" and this engine does not have the base, {base.held.promise.cell}",
            hint=f"docker pull {base.reference}, then the same command with --from {base.reference}",
        )
    listed = files_listed(printed(client, base.held.digest, LIST_FILES))
    if silent := sorted(name for name in replaced if not listed.get(name)):
        raise EngineError(
            f"--override {', '.join(silent)}: cannot be replaced: its files are not listed in the base",
            hint=KEEP,
        )
    found = [path for name in sorted(replaced) for path in listed[name]]
    if wrong := next((path for path in found if not is_of_environment(path)), None):
        raise InputError(f"the base lists a file that cannot be replaced: {wrong!a:.200}", hint=KEEP)
    return found


def is_of_environment(path: str) -> bool:
    """Whether a path that an image names is one below its environment, and may become a path of the layer."""
    return path.startswith(f"{ENVIRONMENT}/") and path == posixpath.normpath(path) and path.isprintable()


def files_listed(said: object) -> dict[str, list[str]]:
    """The files of each distribution, as the image's Python lists them; raises InputError when it is no such list."""
    try:
        return {str(canonicalize_name(name)): list(map(str, files)) for name, files in said if name}  # type: ignore[attr-defined]
    except SHAPE as error:
        raise InputError(f"the base does not list its files: {error!a:.200}", hint=KEEP) from None


def image(
    base: ImageDocuments, held: Contents, blob: Blob, labels: Mapping[str, str], *, has_conda: bool
) -> ImageDocuments:
    """The manifest and configuration of the derived image; `has_conda` puts conda's programs on PATH."""
    more = variables(json.loads(base.config), held) if has_conda else {}
    return appended(base, Addition(layers=[blob.layer], labels=labels, environment=more, made_by=MADE_BY))


def variables(config: Mapping[str, Any], held: Contents) -> dict[str, str]:
    """PATH with conda's programs at its end, so that none hides a program of the image; empty when it has them."""
    before = variables_of(mapping(config.get("config")))
    own = f"{conda.prefix(held)}/bin"
    path = before.get(PATH, "/usr/local/bin:/usr/bin:/bin")
    return {} if own in path.split(":") else {PATH: f"{path}:{own}"}
