"""Tags: what they were stays, and each belongs to one cell."""

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.tags import Tags, immutable_tag, own_tag, rolling_tags, tags_of

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "tags.txt"
"""The cells of the matrix, and their tags in the order in which they are set."""
CELLS = load(ROOT / "matrix.yaml").cells
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
MARK = "0123abcd" * 8


def test_no_tag_is_another_than_it_was() -> None:
    """People pull by them."""
    lines = [f"{cell(spec)}: {' '.join(tags_of(spec, 'any', MARK).all)}" for spec in CELLS]
    assert lines == GOLDEN.read_text("utf-8").splitlines()


def named(name: str) -> str:
    return immutable_tag(next(spec for spec in CELLS if cell(spec) == name), MARK)


def test_the_immutable_tag_names_everything() -> None:
    assert named("pytorch/1.6.0-gpu-ubuntu16.04") == "1.6.0-gpu-cuda10.1-cudnn7-py3.6-ubuntu16.04-0123abcd"
    assert named("pytorch/2.13.0-cpu-debian12") == "2.13.0-cpu-py3.11-debian12-0123abcd"


def test_rolling_tags_are_bare_on_the_default_platform_only() -> None:
    spec = next(spec for spec in CELLS if cell(spec) == "pytorch/1.6.0-gpu-ubuntu16.04")
    assert {"1.6-gpu", "1.6.0-gpu", "1.6-gpu-ubuntu16.04"} <= set(rolling_tags(spec))
    assert "1.6-gpu" not in rolling_tags(replace(spec, is_default_platform=False))
    assert "latest-gpu" in rolling_tags(replace(spec, is_latest=True))


def test_no_tag_belongs_to_two_cells() -> None:
    every = [
        f"{spec.framework}:{tag}" for spec in CELLS for tag in (*rolling_tags(spec), immutable_tag(spec, "0" * 64))
    ]
    assert len(every) == len(set(every))


@given(st.sampled_from(CELLS), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_every_tag_is_one_the_registry_takes(spec, mark) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    assert all(TAG.fullmatch(tag) for tag in (immutable_tag(spec, mark), *rolling_tags(spec)))


def test_without_a_fingerprint_there_are_rolling_tags_only() -> None:
    found = tags_of(CELLS[0], "pytorch", "")
    assert found == Tags(repository="pytorch", immutable="", rolling=rolling_tags(CELLS[0]))
    assert found.references == tuple(f"pytorch:{tag}" for tag in rolling_tags(CELLS[0]))


def test_the_own_tag_is_a_rolling_one() -> None:
    assert all(own_tag(spec) in rolling_tags(spec) for spec in CELLS)
