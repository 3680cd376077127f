"""What is known of the images of the real matrix, one of which is built and published."""

from builder.build.fingerprint import Inputs
from builder.catalogue.image_info import Image, ImageLocation, LastVerification, Layer, info_of
from builder.matrix.load import load
from tests.support.command_line import ROOT

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
STEPS = ("the base", "RUN xargs -a /run/packages.txt apt-get install", "COPY /layer/ / # buildkit", "COPY /layer/ / #")
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
INFOS = tuple(info_of(spec, IMAGE if spec.version == "1.6.0" else None) for spec in CELLS)
