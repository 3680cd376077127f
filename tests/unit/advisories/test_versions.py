"""Which versions an advisory is about: OSV's algorithm, over versions as people write them."""

from typing import Any

import pytest

from builder.advisories.record import record_from
from builder.advisories.severity import severity
from builder.advisories.versions import is_affected, mended
from tests.support.advisories import ranges, record


@pytest.mark.parametrize(
    ("version", "events", "affected"),
    [
        ("1.0", [{"introduced": "0"}], True),
        ("1.0", [{"introduced": "0"}, {"fixed": "1.0"}], False),
        ("1.0", [{"introduced": "0"}, {"fixed": "1.0.1"}], True),
        ("1.0.post1", [{"introduced": "0"}, {"fixed": "1.0"}], False),
        ("1.0rc1", [{"introduced": "0"}, {"fixed": "1.0"}], True),
        ("1.0", [{"introduced": "1.0"}], True),
        ("0.9", [{"introduced": "1.0"}], False),
        ("1.0", [{"introduced": "0"}, {"last_affected": "1.0"}], True),
        ("1.0+cpu", [{"introduced": "0"}, {"last_affected": "1.0"}], True),
        ("1.0.1", [{"introduced": "0"}, {"last_affected": "1.0"}], False),
        ("2.1", [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.1"}, {"fixed": "2.2"}], True),
        ("2.0", [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.1"}, {"fixed": "2.2"}], False),
        ("2.1", [{"fixed": "2.2"}, {"introduced": "2.1"}, {"fixed": "2"}, {"introduced": "1"}], True),
        ("2", [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2"}], True),
        ("1!1.0", [{"introduced": "0"}, {"fixed": "2"}], False),
        ("1.0", [{"introduced": "banana"}], False),
    ],
)
def test_a_range(version: str, events: list[dict[str, str]], affected: bool) -> None:
    (about,) = record_from(record(ranges=ranges(*events))).affected
    assert about.name == "toy-net"
    assert is_affected(version, about) is affected


@pytest.mark.parametrize(("version", "affected"), [("1.0", True), ("1", True), ("1.0+cu130", True), ("1.1", False)])
def test_versions_that_are_named(version: str, affected: bool) -> None:
    (about,) = record_from(record(versions=["1.0.0", "no version"])).affected
    assert is_affected(version, about) is affected


def test_a_range_of_commits_says_nothing() -> None:
    (about,) = record_from(record(ranges=ranges({"introduced": "0"}, kind="GIT"))).affected
    assert not is_affected("1.0", about)


def test_what_mends_it_comes_next() -> None:
    events = [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2"}, {"fixed": "2.10"}, {"fixed": "2.9"}]
    (about,) = record_from(record(ranges=ranges(*events))).affected
    assert list(mended("1.0", about)) == ["1.2", "2.9", "2.10"]
    assert list(mended("2.9", about)) == ["2.10"]


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]}, "high"),
        ({"severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}]}, "critical"),
        (
            {
                "severity": [
                    {"type": "CVSS_V4", "score": "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"}
                ]
            },
            "low",
        ),
        ({"severity": [{"type": "CVSS_V3", "score": "banana"}]}, "unknown"),
        ({"database_specific": {"severity": "MODERATE"}}, "medium"),
        ({}, "unknown"),
    ],
)
def test_how_bad_it_is(found: dict[str, Any], word: str) -> None:
    assert severity(record_from(record(**found))) == word
