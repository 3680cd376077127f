"""What an image holds is not moved without a word: contradictions, with both sides and the way out."""

from dataclasses import replace

import pytest

from builder.dependencies.lockfile import load as load_lock
from builder.derive.contradictions import contradictions, freed, likeness, unknown_overrides
from builder.derive.request import Asked, Contents, Held, ParsedRequest
from builder.matrix.load import Preferred
from builder.matrix.load import load as load_matrix
from tests.support.command_line import ROOT
from tests.support.promises import promised

MATRIX = load_matrix(ROOT / "matrix.yaml", Preferred(platform="debian12"))
LOCK = load_lock(ROOT / "builder.lock")
IMAGE = Contents(
    digest="sha256:" + "0" * 64,
    promise=promised("pytorch/1.6.0-gpu-debian12", torch="1.6.0", torchvision="0.7.0"),
    python="3.6.15",
    glibc="2.36",
    distributions={
        "torch": Held(version="1.6.0", requires=("numpy", "future")),
        "torchvision": Held(version="0.7.0", requires=("numpy", "torch==1.6.0", "pillow>=4.1.1")),
        "numpy": Held(version="1.19.5"),
        "six": Held(version="1.17.0"),
    },
    site_packages="/opt/env/lib/python3.6/site-packages",
)


def found(*packages: str, overrides: frozenset[str] = frozenset()) -> list[str]:
    asked = tuple(Asked(text=one, place="--pip-package") for one in packages)
    return contradictions(ParsedRequest(requirements=asked, overrides=overrides), IMAGE, MATRIX.cells, LOCK)


@pytest.mark.parametrize(
    "package",
    ["torch", "torch==1.6", "torch>=1.5", "torch[extra]", "six", "pandas==1.0", "torch==1.7; python_version >= '3.8'"],
)
def test_what_agrees(package: str) -> None:
    assert found(package) == []


def test_another_torch_names_both_sides_and_the_companion() -> None:
    (text,) = found("torch==1.5.0")
    lines = text.splitlines()
    assert lines[0] == "--pip-package: torch==1.5.0: the image holds torch 1.6.0, a pin of pytorch/1.6.0-gpu-debian12"
    assert "  torchvision 0.7.0 requires torch==1.6.0   (it would break)" in lines
    assert lines[-2].startswith("  rows that hold it: pytorch/1.5.0-gpu-debian12")
    assert lines[-1] == "  to replace it all the same: --override torch"


def test_numpy_2_on_python_3_6() -> None:
    (text,) = found("numpy>=2")
    assert "the image holds numpy 1.19.5, which other packages of it need" in text
    assert "requires Python >=3." in text
    assert "the image has 3.6.15" in text
    assert "rows that hold it: pytorch/2.13.0-gpu-debian12" in text


def test_a_version_that_no_row_has() -> None:
    assert "rows that hold it: none" in found("torch==1.7")[0]


def test_a_url_for_what_the_image_holds() -> None:
    assert len(found("six @ https://example/six-1.17.0-py3-none-any.whl")) == 1


def test_an_override_frees_it_and_its_companions() -> None:
    overrides = frozenset({"torch"})
    assert found("torch==1.5.0", overrides=overrides) == []
    assert freed(IMAGE, overrides) == {"torch", "torchvision"}
    assert unknown_overrides(ParsedRequest(overrides=overrides), IMAGE) == []
    assert unknown_overrides(ParsedRequest(overrides=frozenset({"troch"})), IMAGE) == [
        "--override troch: the image holds no troch (did you mean torch?)"
    ]


def test_the_nearest_cell_has_the_device_and_the_platform_of_the_image() -> None:
    """Also where the name of the platform has a dash in it."""
    cells = [spec for spec in MATRIX.cells if spec.version == "1.6.0" and spec.device == "cpu"]
    renamed = [replace(spec, platform=replace(spec.platform, name=f"{spec.platform.name}-slim")) for spec in cells]
    mine = promised("pytorch/1.6.0-gpu-debian12")
    nearest = sorted(renamed, key=lambda spec: likeness(spec, replace(mine, device="cpu", platform="debian12-slim")))
    assert [spec.platform.name for spec in nearest] == ["debian12-slim", "ubuntu16.04-slim"]
