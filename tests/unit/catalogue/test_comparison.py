"""What differs between two images, told in a fixed order, and only of what both sides know."""

from pathlib import Path

from builder.catalogue.comparison import Side, differences, side_of_row, versions
from builder.dependencies.lockfile import load as load_lock
from builder.dependencies.lockfile import pin_all
from builder.matrix.load import load
from builder.verify.inventory import Package

ROOT = Path(__file__).parents[3]
OLD = Side(
    name="old",
    pins={"torch": "1.5.0"},
    packages={"deb": {"git": "2", "tar": "1"}, "conda": {}, "pypi": {"six": "1.16.0"}},
    layers={"Base system": 10, "PyTorch": 5},
)
NEW = Side(
    name="new",
    pins={"torch": "1.6.0"},
    packages={"deb": {"tar": "1"}, "conda": {}, "pypi": {"six": "1.17.0", "wheel": "0.37.1"}},
    layers={"Base system": 10, "PyTorch": 7},
)


def test_added_removed_and_changed_by_kind() -> None:
    told = [(one["kind"], one["name"], one["change"], one["before"], one["after"]) for one in differences(OLD, NEW)]
    assert told == [
        ("pin", "torch", "changed", "1.5.0", "1.6.0"),
        ("Debian", "git", "removed", "2", None),
        ("Python", "six", "changed", "1.16.0", "1.17.0"),
        ("Python", "wheel", "added", None, "0.37.1"),
        ("layer", "PyTorch", "changed", 5, 7),
    ]
    assert list(differences(OLD, OLD)) == []


def test_a_row_is_compared_by_what_it_promises() -> None:
    cells = load(ROOT / "matrix.yaml").cells
    row = side_of_row(pin_all(cells[:1], load_lock(ROOT / "builder.lock"))[0])
    assert row.packages["pypi"]["torch"] == row.pins["torch"]
    assert {one["kind"] for one in differences(row, NEW)} == {"pin", "Python"}


def test_a_name_that_is_there_twice_has_both_versions() -> None:
    two = [Package(ecosystem="pypi", name="six", version=version, path=version) for version in ("1.17", "1.16")]
    vendored = Package(
        ecosystem="pypi", name="zipp", version="3", path="/env/setuptools/_vendor/zipp.dist-info/METADATA"
    )
    assert versions([*two, vendored])["pypi"] == {"six": "1.16 and 1.17"}
