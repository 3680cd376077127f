"""What is known of the images of the real matrix: of one that is published, one rehearsed, one verified earlier."""

from dataclasses import replace

from builder.build.fingerprint import Inputs
from builder.build.recorded import Recorded
from builder.catalogue.image_info import Image, ImageLocation, LastVerification, Layer, info_of
from builder.matrix.load import load
from tests.support.command_line import ROOT
from tests.support.records import RECORD

CELLS = load(ROOT / "matrix.yaml").cells
INPUTS = Inputs(
    platform="debian12/amd64",
    base=f"sha256:{'b' * 64}",
    pins={"torch": "1.6.0"},
    files={"requirements/rest.txt": "0"},
    stages={},
    toolchain="",
    lists={"requirements/rest.txt": {"six": "1.16.0"}},
)
STEPS = (
    "the base",
    "RUN xargs -a /run/packages.txt apt-get install",
    "COPY /layer/ / # buildkit",
    "python -m builder: torch 1.6.0 (1 of 2)",
)
IMAGE = Image(
    digest=f"sha256:{'a' * 64}",
    fingerprint="0123abcd" * 8,
    base=f"sha256:{'b' * 64}",
    architecture="amd64",
    is_current=True,
    compressed=900_000_000,
    unpacked=3_000_000_100,
    layers=tuple(Layer(digest=f"sha256:{n:064}", made_by=text, unpacked=10 ** (n + 3)) for n, text in enumerate(STEPS)),
    places=(ImageLocation(repository="registry.example/ml/pytorch", is_registry=True, tags=("1.6-gpu",)),),
    verification=LastVerification(when="2026-11-23T12:00:00+00:00", summary="15 pins, 15 asserted", checks="c" * 64),
    sbom=None,
    inputs=INPUTS,
)
RECORDED = {
    "1.1.0": Recorded(record=replace(RECORD, status="rehearsed"), note=""),
    "1.2.0": Recorded(record=RECORD, note="of an earlier matrix"),
}
INFOS = tuple(info_of(spec, IMAGE if spec.version == "1.6.0" else None, RECORDED.get(spec.version)) for spec in CELLS)
