"""The bytes that a registry holds of images, beside those of one-RUN Dockerfiles that install the same."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from builder.build import layer_diff
from tests.bench import onerun
from tests.bench.measured import ROOT, Measured, Side, run
from tests.bench.toys import CELLS, CPU, GPU, OLD_CPU, PREFIX, SKLEARN, bake, bake_file, site_file

BAKE = "docker buildx bake -f bake.json"
NAMES = {
    SKLEARN: "scikit-learn 1.9.1 CPU",
    CPU: "PyTorch 2.13.0 CPU",
    GPU: "PyTorch 1.4.0 GPU",
    OLD_CPU: "PyTorch 1.4.0 CPU",
}
Blobs = Mapping[str, int]


def sizes() -> Iterator[Measured]:
    """Those of the small image."""
    yield from of((SKLEARN,))


def large_sizes() -> Iterator[Measured]:
    """Those of four images that build here, of which two are one release for CPU and for GPU."""
    yield from of((*CELLS, OLD_CPU, GPU))


def of(cells: Sequence[str]) -> Iterator[Measured]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}-")))
        site = site_file(directory)
        only = (f"--only={cell}" for cell in cells)
        rendered = run([sys.executable, "-m", "builder", "render", "--bake", *only, f"--site={site}"])
        document = json.loads(rendered)
        ours = exported(document, directory / "ours", site, "compression=zstd")
        theirs = exported(document, directory / "peer", site, "")
        for cell in cells if len(cells) > 1 else ():
            yield measured(f"registry bytes: {NAMES[cell]}", [ours[name(cell)]], [theirs[name(cell)]], 0.8)
        what = f"{len(cells)} images" if len(cells) > 1 else NAMES[cells[0]]
        yield measured(f"unique registry bytes: {what}", list(ours.values()), list(theirs.values()), 0.6)
        lost = sum(one.bytes for path in ours.values() for one in layer_diff.losses(layer_diff.read(path)))
        yield Measured(
            work=f"bytes overwritten or deleted in a later layer: {what}",
            ours=Side(command="python -m builder reproduce CELL", value=lost / 1e6, unit="MB"),
            aim=0,
        )


def exported(document: Mapping[str, Any], directory: Path, site: Path, flags: str) -> dict[str, Path]:
    """An OCI layout of each target, ours or, without flags, as one RUN; no image is left on the engine."""
    found = {name: directory / name for name in document["target"]}
    outputs = {
        name: [f"type=oci,tar=false,dest={path},oci-mediatypes=true,{flags}".rstrip(",")]
        for name, path in found.items()
    }
    mine = {name: {**target, "output": outputs[name]} for name, target in document["target"].items()}
    wanted = {**document, "target": mine} if flags else onerun.written(document, ROOT, outputs)
    with bake_file(site, wanted) as file:
        for name in found:
            bake(file, name)
    return found


def name(cell: str) -> str:
    return cell.replace("/", "-").replace(".", "_")


def blobs(layout: Path) -> Blobs:
    """Each blob of the image, and its size."""
    manifest = layer_diff.document(layout, layer_diff.document_of_index(layout))
    return {one["digest"]: one["size"] for one in (manifest["config"], *manifest["layers"])}


def measured(work: str, ours: Sequence[Path], theirs: Sequence[Path], aim: float) -> Measured:
    mine, peer = (
        sum({k: v for path in paths for k, v in blobs(path).items()}.values()) / 1e6 for paths in (ours, theirs)
    )
    return Measured(
        work=work,
        ours=Side(command="python -m builder build --all", value=mine, unit="MB"),
        peer=Side(command=f"{BAKE}, one RUN each", value=peer, unit="MB"),
        aim=aim,
    )
