"""Of several images of a cell, the one that has the rolling tags is its image."""

from pathlib import Path

from builder.catalogue.engine_images import rank
from builder.matrix.load import load

SPEC = next(spec for spec in load(Path(__file__).parents[3] / "matrix.yaml").cells if spec.framework == "scikit-learn")


def entry(digit: str, *tags: str) -> dict[str, object]:
    return {"Id": f"sha256:{digit * 64}", "Created": 946684800, "RepoTags": [f"x:{tag}" for tag in tags]}


def test_the_rolling_tags_decide_as_all_images_are_of_one_date() -> None:
    old = entry("f", "1.9.1-cpu-py3.11-debian12-00000000")
    new = entry("0", "1.9.1-cpu-py3.11-debian12-11111111", "1.9-cpu-debian12")
    assert max((old, new), key=lambda one: rank(SPEC, one)) is new
