"""The file for `docker buildx bake`: names that bake takes, and texts that stay what they are."""

import json
import re
from pathlib import Path

import pytest

from builder.build import bake, buildx_command
from builder.matrix.load import load as load_matrix
from builder.matrix.names import cell

ROOT = Path(__file__).parents[3]
TARGET = re.compile(r"[a-zA-Z0-9_-]+")
"""What bake takes as a name: bake.go, targetNamePattern."""


def target(name: str, **values: str) -> bake.BakeTarget:
    inputs = buildx_command.BuildInputs(stages={}, secrets={}, arguments=values, labels={"of-build": "x"})
    return bake.BakeTarget(cell=name, groups=("toy", "toy-1.0"), context=f"images/{name}", inputs=inputs)


def test_every_cell_has_a_target_of_its_own() -> None:
    cells = [cell(spec) for spec in load_matrix(ROOT / "matrix.yaml").cells]
    names = {bake.name(one) for one in cells}
    assert len(names) == len(cells)
    assert all(TARGET.fullmatch(name) for name in names)


def test_groups_name_the_targets_of_a_framework_and_a_release() -> None:
    document = bake.document([target("toy/1.0-cpu-x"), target("toy/1.0-gpu-x")], output="type=image")
    both = {"targets": ["toy-1_0-cpu-x", "toy-1_0-gpu-x"]}
    assert document["group"] == {"default": both, "toy": both, "toy-1_0": both}
    assert document["target"]["toy-1_0-cpu-x"]["context"] == "images/toy/1.0-cpu-x"


def test_a_file_holds_no_secret() -> None:
    inputs = buildx_command.BuildInputs(stages={}, secrets={"pip_conf": ROOT / "secret"}, arguments={}, labels={})
    one = bake.BakeTarget(cell="toy/1", groups=(), context="images/toy/1", inputs=inputs)
    assert "secret" not in json.dumps(bake.document([one], output="type=image"))


def test_what_bake_makes_is_not_taken_for_what_build_makes() -> None:
    assert "labels" not in bake.document([target("toy/1")], output="type=image")["target"]["toy-1"]


@pytest.mark.parametrize(
    ("text", "written"), [("${a}", "$${a}"), ("%{ if a }", "%%{ if a }"), ('{"a":"$b"}', '{"a":"$b"}')]
)
def test_an_argument_is_no_template(text: str, written: str) -> None:
    document = bake.document([target("toy/1", row=text)], output="type=image")
    assert document["target"]["toy-1"]["args"] == {"row": written}
