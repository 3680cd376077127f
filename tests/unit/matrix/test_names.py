"""Names and versions: properties that hold for any input."""

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from builder.matrix.load import load
from builder.matrix.names import cell, immutable_tag, rolling_tags
from builder.matrix.version import is_version, matches, order, short

CELLS = load(Path(__file__).parents[3] / "matrix.yaml").cells
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
versions = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


def named(name: str) -> str:
    return immutable_tag(next(spec for spec in CELLS if cell(spec) == name), "0123abcd" * 8)


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


@given(versions, versions)
def test_a_version_matches_its_own_extensions_and_no_sibling(head: str, tail: str) -> None:
    assert matches(head, f"{head}.{tail}")
    assert not matches(f"{head}.1", f"{head}.10")


def test_versions_compare_as_numbers() -> None:
    assert order("12.10") > order("12.9")
    assert matches("1.6", "1.6.0")
    assert not matches("1.6", "1.60.0")
    assert short("10.1.243", 2) == "10.1"
    assert matches("7.6.3", "7.6.3.30")


@given(st.text())
def test_what_is_a_version_has_no_other_meaning(text: str) -> None:
    if is_version(text):
        assert re.fullmatch(r"[0-9a-z.+]+", text)
