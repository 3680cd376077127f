"""What the name of a published image says, against what its label says."""

from pathlib import Path

import pytest

from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.reference import parse
from builder.matrix.tags import immutable_tag
from builder.publish.proof import misnamed

CELLS = load(Path(__file__).parents[3] / "matrix.yaml").cells
FRAMEWORKS = ("pytorch", "scikit-learn")
SPEC = next(spec for spec in CELLS if cell(spec) == "pytorch/1.6.0-gpu-ubuntu16.04")
IMMUTABLE = immutable_tag(SPEC, "0" * 64)
DIGEST = f"sha256:{'a' * 64}"


def told(reference: str, name: str | None = None) -> list[str]:
    return list(misnamed(parse(reference), SPEC, IMMUTABLE, FRAMEWORKS, name))


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("h.example/pytorch:1.6-gpu", None),
        ("h.example/team/pytorch:latest-gpu", None),
        (f"h.example/team/pytorch:{IMMUTABLE}", None),
        (f"h.example/team/pytorch@{DIGEST}", None),
        ("h.example/team/pytorch:candidate", None),
        ("h.example/team/staging:1.6-gpu-ubuntu16.04", None),
        ("h.example/team/images:1.6-gpu", "images"),
        ("h.example/team/ml/pytorch:1.6-gpu", "ml/{framework}"),
    ],
)
def test_names_that_fit(reference: str, name: str | None) -> None:
    assert told(reference, name) == []


@pytest.mark.parametrize("tag", ["1.5-gpu", "1.6-cpu", "latest", "1.6-gpu-debian12", IMMUTABLE[:-1] + "1"])
def test_a_tag_of_another_image(tag: str) -> None:
    (found,) = told(f"h.example/pytorch:{tag}")
    assert found.endswith(f"its label says {cell(SPEC)}, whose image never has the tag {tag}")


def test_the_repository_of_another_framework() -> None:
    (found,) = told(f"h.example/team/scikit-learn@{DIGEST}")
    assert found.endswith(f"its label says {cell(SPEC)}, which does not belong in team/scikit-learn")
    assert told(f"h.example/ml/scikit-learn@{DIGEST}", "ml/{framework}")
