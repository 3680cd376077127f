"""Makes the layers of wheels and conda packages, and puts them on the base."""

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
from builder.host import layer_cache
from builder.host.cache import SHAPE
from builder.host.layer_cache import PackedLayer
from builder.host.temporary import scratch
from builder.matrix.spec import Distribution
from builder.registry.descriptors import list_in, mapping, text
from builder.verify import passed
from builder.verify.printed import printed
from builder.wheels import Compression
from builder.wheels import layers as wheel_layers
from builder.wheels.blob import Nowhere, Tar, pack
from builder.wheels.interpreter import ENVIRONMENT, Interpreter, interpreter
from builder.wheels.layering import Group, Wheel, layering
from builder.wheels.layers import Step, Wanted
from builder.wheels.tree import OTHER_VERSION, Tree, parents
from builder.wheels.unpack import SHOWN, unpack

if TYPE_CHECKING:
    import docker
    import rattler

PATH = "PATH"
MADE_BY = "python -m builder derive"
MOST_LAYERS = 100
"""overlay2 mounts 128 of them, and a container has its own on top."""
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
    """What goes into the layers: wheels by name, conda packages, and the paths of the base's files that they hide.

    `replaced` names the distributions of the base that `hidden` is of.
    """

    wheels: Mapping[str, Path]
    distributions: Sequence[Distribution] = ()
    records: Sequence["rattler.RepoDataRecord"] = ()
    hidden: Sequence[str] = ()
    replaced: frozenset[str] = frozenset()

    @property
    def group(self) -> Group:
        """The wheels as a group of layers."""
        wheels = [
            Wheel(name=one.name, version=one.version, key=one.sha256, size=self.wheels[one.name].stat().st_size)
            for one in sorted(self.distributions, key=lambda one: one.name)
        ]
        return Group(title="added", wheels=tuple(wheels))


def layers(
    client: "docker.DockerClient",
    here: str,
    parts: Parts,
    held: Contents,
    base: BaseFiles,
    *,
    step: Step,
    compression: Compression,
) -> list[PackedLayer]:
    """The layers to put on the base, which the engine calls `here`; the same parts always give the same bytes.

    Raises InputError when a wheel is damaged, two packages hold the same path, or something of the base would move.
    """
    found = interpreter(client, here)
    with scratch() as directory:
        linked = (conda.linked(parts.records, held, directory), conda.prefix(held)) if parts.records else None
        tree = judged(parts, found, base, linked)
        layerings = layering([parts.group]) if parts.distributions else []
        wanted = Wanted(layerings=layerings, files=parts.wheels, compression=compression)
        # Byte code of a base that was verified on this host is everybody's.
        made = wheel_layers.layers(client, here, wanted, step=step, apart="" if passed.passed(here) else here)
        gone = removals(parts, base, tree.paths.keys())
        return [*made, own_layer(found, gone, linked, compression)] if linked or gone else made


def removals(parts: Parts, base: BaseFiles, new: Iterable[str]) -> list[str]:
    """The paths to hide: files of replaced distributions with their byte code, and directories left without a file."""
    old = {path for path in base.files if base.distribution(path) in parts.replaced} | set(parts.hidden)
    gone = old.difference(new)
    needed = {above for path in (*(base.files - gone), *new) for above in parents(path)}
    return sorted({next((one for one in reversed([*parents(path)]) if one not in needed), path) for path in gone})


Linked = tuple[Path, str]
"""The directory where conda's packages are linked, and the prefix that they have in the image."""


def judged(parts: Parts, found: Interpreter, base: BaseFiles, linked: Linked | None) -> Tree:
    """All files of the parts, written nowhere; raises InputError as `layers` does."""
    tree = Tree(tars=[Nowhere()], interpreter=found)
    for name, wheel in sorted(parts.wheels.items()):
        unpack(wheel, name, tree)
    if linked:
        add_conda(tree, *linked)
    assert_nothing_moves(tree, parts, base)
    return tree


def own_layer(found: Interpreter, gone: Sequence[str], linked: Linked | None, compression: Compression) -> PackedLayer:
    """The layer with conda's packages and with what hides the files of replaced distributions."""

    def fill(tars: Sequence[Tar]) -> None:
        tree = Tree(tars=tars, interpreter=found)
        if linked:
            add_conda(tree, *linked)
        for path in gone:
            tree.remove(path)

    with layer_cache.written(), layer_cache.new_blobs() as place:
        (blob,) = pack([place / "own"], fill, compression)
        return layer_cache.stored(blob.path, blob.layer)


def assert_nothing_moves(tree: Tree, parts: Parts, base: BaseFiles) -> None:
    """Raise InputError with what the layers would overwrite or hide in their base."""
    written = Written(owners=tree.paths, empty=frozenset(tree.empty), starts=tree.starts)
    found = list(islice(moved(written, base, parts.replaced, tree.site_packages), SHOWN))
    if found:
        raise InputError(found, hint=OTHER_VERSION)


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


def compression_of(base: ImageDocuments) -> Compression:
    """How the layers of the base are compressed: an engine that unpacks those is to unpack ours."""
    kinds = {text(one.get("mediaType")) for one in list_in(json.loads(base.manifest), "layers")}
    return "gzip" if kinds and not any(one.endswith("zstd") for one in kinds) else "zstd"


def image(
    base: ImageDocuments, held: Contents, layers: Sequence[PackedLayer], labels: Mapping[str, str], *, has_conda: bool
) -> ImageDocuments:
    """The manifest and configuration of the derived image; `has_conda` puts conda's programs on PATH.

    Raises InputError when it would have more layers than an engine can mount.
    """
    below = len(list_in(mapping(json.loads(base.config).get("rootfs")), "diff_ids"))
    if below + len(layers) > MOST_LAYERS:
        count = below + len(layers)
        raise InputError(
            f"the image would have {count} layers, and engines mount no more than some {MOST_LAYERS}",
            hint="derive from the image of the matrix, with all packages in one request",
        )
    more = variables(json.loads(base.config), held) if has_conda else {}
    return appended(base, Addition(layers=layers, labels=labels, environment=more, made_by=MADE_BY))


def variables(config: Mapping[str, Any], held: Contents) -> dict[str, str]:
    """PATH with conda's programs at its end, so that none hides a program of the image; empty when it has them."""
    before = variables_of(mapping(config.get("config")))
    own = f"{conda.prefix(held)}/bin"
    path = before.get(PATH, "/usr/local/bin:/usr/bin:/bin")
    return {} if own in path.split(":") else {PATH: f"{path}:{own}"}
