"""Versions: properties that hold for any input."""

import re

from hypothesis import given
from hypothesis import strategies as st

from builder.matrix.version import is_version, matches, order, short

versions = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


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
