"""What drifted is told once for all its rows, and written without harm."""

import pytest

from builder.dependencies.drift import Drift, arranged, issue, moved, vanished
from builder.dependencies.lockfile import Closure
from builder.dependencies.repository_keys import expiry
from builder.matrix.spec import Distribution


def closure(**versions: str) -> Closure:
    found = [Distribution(name=n, version=v, file=f"{n}-{v}.whl", sha256=f"{n}{v}") for n, v in versions.items()]
    return Closure(asked="", distributions=tuple(found))


def test_a_package_that_moves_alike_in_two_rows_is_told_once() -> None:
    before = {"a": closure(x="1", y="1"), "b": closure(x="1"), "c": closure(x="2")}
    after = {"a": closure(x="2", z="1"), "b": closure(x="2"), "c": closure(x="2")}
    told = {(drift.subject, drift.before, drift.after): drift.cells for drift in moved(before, after)}
    assert told == {("x", "1", "2"): ("a", "b"), ("y", "1", "none"): ("a",), ("z", "none", "1"): ("a",)}


def test_a_file_is_there_by_hash_or_by_name() -> None:
    rows = {"a": closure(x="1", y="1", z="1")}
    offered = {"x": frozenset({"x1"}), "y": frozenset({"y-1.whl"}), "z": frozenset({"z2"})}
    assert [(drift.subject, drift.before) for drift in vanished(rows, offered)] == [("z", "z-1.whl")]


LISTING = "tru::1:1:0:3:1:5\npub:e:2048:1:F60F4B3D7FA2AF80:1467388800:{}::-:::sc::::::23::0:\nfpr:::::::::AE09:\n"


def test_the_expiry_of_a_key() -> None:
    assert expiry(LISTING.format("1500000000")) == 1500000000
    assert expiry(LISTING.format("")) is None
    with pytest.raises(ValueError, match="no key"):
        expiry("gpg: no valid OpenPGP data found.\n")


def test_what_stops_a_build_comes_first_and_hostile_text_stays_text() -> None:
    drifts = [
        Drift(kind="package moved", subject="@all `x` | y\n# z", before="1", after="2", cells=("a", "b")),
        Drift(kind="package vanished", subject="w", before="1", after="not offered", cells=("a",)),
    ]
    assert [drift.kind for drift in arranged(drifts)] == ["package vanished", "package moved"]
    text = issue(drifts)
    assert text.index("## Package vanished") < text.index("## Package moved")
    assert "| `@all ?x? ? y?# z` | `1` | `2` | `a and 1 more` |" in text
