"""Versions: properties that hold for any input."""

import re

from hypothesis import given
from hypothesis import strategies as st

from builder.matrix.version import is_final, is_version, matches, order, short

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
    assert not matches("0", "")
    assert not matches("", "1.0")


def test_a_release_candidate_comes_before_its_release() -> None:
    """PEP 440: and nobody who asks for 1.10 gets one."""
    versions = ["1.9.2", "1.10.0rc1", "1.10.0rc2", "1.10.0", "1.10.0.post1", "1.10.1"]
    assert sorted(set(versions), key=order) == versions
    assert [one for one in versions if not is_final(one)] == ["1.10.0rc1", "1.10.0rc2"]
    assert [one for one in versions if matches("1.10", one)] == ["1.10.0", "1.10.0.post1", "1.10.1"]
    assert matches("1.10.0rc1", "1.10.0rc1")
    assert not matches("1.10.0rc1", "1.10.0")
    assert not matches("1.10.0", "1.10.0.dev20200101")


def test_what_is_no_version_is_compared_by_its_number() -> None:
    """Debian's upstream versions are not all of PEP 440."""
    assert matches("2.17", "2.17.1~odd")
    assert order("2.17.1~odd") < order("2.18")
    assert order("rubbish") == order("0")


@given(st.text())
def test_what_is_a_version_has_no_other_meaning(text: str) -> None:
    if is_version(text):
        assert re.fullmatch(r"[0-9a-z.+]+", text)
