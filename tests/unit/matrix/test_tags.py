"""Tags: what they were stays, and each belongs to one cell."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.promise import promise_of
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import (
    Tags,
    derived_tag,
    immutable_tag,
    is_rolling,
    orphans,
    own_tag,
    tags_of,
    with_rolling_tags,
)

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "tags.txt"
"""The cells of the matrix, and their tags in the order in which they are set."""
CELLS = load(ROOT / "matrix.yaml").cells
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
MARK = "0123abcd" * 8


Row = tuple[str, str, str]
"""A version, its devices and its platforms; the first platform is the default."""


def matrix(*rows: Row) -> str:
    """The real matrix, with these releases of scikit-learn in place of its own."""
    document = yaml.safe_load((ROOT / "matrix.yaml").read_text("utf-8"))
    *others, own = document["releases"]
    stacks = {"debian12": {"stack": "python-debian12"}, "ubuntu16.04": {"stack": "estimator-cuda10.0-ubuntu16.04"}}
    releases = [
        {
            **own,
            "version": version,
            "devices": devices.split(),
            "default-platform": platforms.split()[0],
            "platforms": {name: stacks[name] for name in platforms.split()},
        }
        for version, devices, platforms in rows
    ]
    document["frameworks"]["scikit-learn"]["default-version"] = rows[0][0]
    return str(yaml.safe_dump(json.loads(json.dumps({**document, "releases": [*others, *releases]})), sort_keys=False))


def holders(directory: Path, *rows: Row) -> dict[str, str]:
    """The version that has each rolling tag, whatever the order of the rows."""
    found = []
    for ordered in (rows, rows[::-1]):
        (directory / "matrix.yaml").write_text(matrix(*ordered), "utf-8")
        cells = [spec for spec in load(directory / "matrix.yaml").cells if spec.framework == "scikit-learn"]
        found.append({tag: spec.version for spec in cells for tag in spec.rolling_tags})
        assert len(found[-1]) == sum(len(spec.rolling_tags) for spec in cells)
        assert all(spec.is_latest == any("latest" in tag for tag in spec.rolling_tags) for spec in cells)
    assert found[0] == found[1]
    return found[0]


def test_the_newest_patch_has_the_tag_of_the_minor(tmp_path: Path) -> None:
    found = holders(tmp_path, ("1.9.1", "cpu", "debian12"), ("1.9.10", "cpu", "debian12"), ("1.9.2", "cpu", "debian12"))
    assert found["1.9-cpu"] == found["1.9-cpu-debian12"] == found["latest-cpu"] == "1.9.10"
    assert found["1.9.1-cpu"] == found["1.9.1-cpu-debian12"] == "1.9.1"


def test_a_device_or_platform_keeps_the_newest_release_that_has_it(tmp_path: Path) -> None:
    both = "ubuntu16.04 debian12"
    found = holders(tmp_path, ("1.9.1", "cpu gpu", both), ("1.9.2", "gpu", "debian12"), ("1.10.0", "gpu", "debian12"))
    for head, newest in (("1.9", "1.9.2"), ("latest", "1.10.0")):
        assert found[f"{head}-cpu"] == found[f"{head}-cpu-debian12"] == found[f"{head}-cpu-ubuntu16.04"] == "1.9.1"
        assert found[f"{head}-gpu"] == found[f"{head}-gpu-debian12"] == newest
        assert found[f"{head}-gpu-ubuntu16.04"] == "1.9.1"


def test_a_release_candidate_has_the_tags_of_its_whole_version_only(tmp_path: Path) -> None:
    rows = [(version, "cpu", "debian12") for version in ("1.10.0", "1.10.0rc1", "1.11.0rc1", "1.11.0b2")]
    found = holders(tmp_path, *rows)
    assert found["1.10-cpu"] == found["latest-cpu"] == "1.10.0"
    assert {tag for tag, version in found.items() if "rc" in version} == {
        *("1.10.0rc1-cpu", "1.10.0rc1-cpu-debian12"),
        *("1.11.0rc1-cpu", "1.11.0rc1-cpu-debian12"),
    }


@pytest.mark.parametrize(
    ("one", "other", "tags"),
    [
        ("1.9", "1.9.1", ["1.9-cpu-debian12", "1.9-cpu"]),
        ("1.9.1", "1.9.1.0", ["1.9-cpu-debian12", "latest-cpu-debian12", "1.9-cpu", "latest-cpu"]),
    ],
)
def test_every_collision_is_named_with_both_places(tmp_path: Path, one: str, other: str, tags: list[str]) -> None:
    text = matrix((one, "cpu", "debian12"), (other, "cpu", "debian12"))
    (tmp_path / "matrix.yaml").write_text(text, "utf-8")
    lines = text.splitlines()
    first, second = (
        f"matrix.yaml:{lines.index(f'  version: {one!r}' if one.count('.') == 1 else f'  version: {one}')}:3"
        for one in (one, other)
    )
    with pytest.raises(InputError) as caught:
        load(tmp_path / "matrix.yaml")
    assert caught.value.problems == tuple(
        f"{first}: releases[9]: two rows have the tag scikit-learn:{tag}: the other row is at {second}" for tag in tags
    )


def test_a_version_that_no_tag_can_have(tmp_path: Path) -> None:
    (tmp_path / "matrix.yaml").write_text(matrix(("1.9.1+cpu", "cpu", "debian12")), "utf-8")
    with pytest.raises(InputError, match=r"scikit-learn:1\.9\.1\+cpu-cpu is none that a registry takes"):
        load(tmp_path / "matrix.yaml")


@pytest.mark.parametrize(
    ("tag", "rolls"),
    [
        *(("1.9-cpu", True), ("latest-gpu", True), ("1.10.0rc1-gpu-debian12", True), ("1.9.0.post1-cpu-el-8", True)),
        *(("latest", True), ("1.9", True), ("latest-tpu", True), ("1.6-gpu-mine", True), ("1.6-gpu-0123abcd", True)),
        *(("cpu", False), ("sha256-00.sig", False), ("latestish", False), ("team-1", False)),
        ("1.6.0-gpu-cuda10.1-cudnn7-py3.6-ubuntu16.04-0123abcd", False),
        ("1.6.0-gpu-debian12-0123456789ab", False),
    ],
)
def test_which_tags_can_be_orphans(tag: str, rolls: bool) -> None:
    assert is_rolling(tag) == rolls
    assert orphans([tag], ()) == ([tag] if rolls else [])


@given(st.sampled_from(CELLS), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_tag_of_a_cell_rolls_unless_it_ends_in_a_hash(spec: ImageSpec, mark: str) -> None:
    assert all(is_rolling(tag) for tag in spec.rolling_tags)
    assert not is_rolling(immutable_tag(spec, mark))
    assert not is_rolling(derived_tag(promise_of(spec), mark))
    assert orphans(spec.rolling_tags, [spec]) == []


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
    assert {"1.6-gpu", "1.6.0-gpu", "1.6-gpu-ubuntu16.04"} <= set(spec.rolling_tags)
    (elsewhere,) = with_rolling_tags([replace(spec, is_default_platform=False)])
    assert elsewhere.rolling_tags == ("1.6-gpu-ubuntu16.04", "1.6.0-gpu-ubuntu16.04", "latest-gpu-ubuntu16.04")


def test_no_tag_belongs_to_two_cells() -> None:
    every = [f"{spec.framework}:{tag}" for spec in CELLS for tag in (*spec.rolling_tags, immutable_tag(spec, "0" * 64))]
    assert len(every) == len(set(every))


@given(st.sampled_from(CELLS), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_every_tag_is_one_the_registry_takes(spec, mark) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    assert all(TAG.fullmatch(tag) for tag in (immutable_tag(spec, mark), *spec.rolling_tags))


def test_without_a_fingerprint_there_are_rolling_tags_only() -> None:
    found = tags_of(CELLS[0], "pytorch", "")
    assert found == Tags(repository="pytorch", immutable="", rolling=CELLS[0].rolling_tags)
    assert found.references == tuple(f"pytorch:{tag}" for tag in CELLS[0].rolling_tags)


def test_the_own_tag_is_a_rolling_one() -> None:
    assert all(own_tag(spec) in spec.rolling_tags for spec in CELLS)
