"""Selection: what each combination of flags means, and what a miss says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.selection import Selection, assert_selected, on_other_platforms, select

MATRIX = load(Path(__file__).parents[3] / "matrix.yaml")


def chosen(**flags: object) -> list[str]:
    return [cell(spec) for spec in select(MATRIX, Selection(**flags))]  # type: ignore[arg-type]


def test_a_short_version_means_its_patch_releases() -> None:
    assert chosen(versions=("1.6",), device="gpu") == ["pytorch/1.6.0-gpu-ubuntu16.04"]
    assert chosen(versions=("1.3",), device="cpu", platform="debian12") == ["pytorch/1.3.1-cpu-debian12"]


def test_without_a_version_the_default_one_is_meant() -> None:
    assert chosen(device="gpu") == ["pytorch/1.4.0-gpu-ubuntu16.04"]


def test_another_framework_has_its_own_default() -> None:
    assert chosen(framework="scikit-learn") == ["scikit-learn/1.9.1-cpu-debian12"]


def test_all_means_every_row_on_its_default_platform() -> None:
    found = chosen(everything=True)
    assert "scikit-learn/1.9.1-cpu-debian12" in found
    assert "pytorch/1.6.0-gpu-debian12" not in found


def test_globs_work_with_and_without_the_framework() -> None:
    assert chosen(only=("1.6*-gpu-*",)) == ["pytorch/1.6.0-gpu-ubuntu16.04"]
    both = ["pytorch/1.6.0-gpu-ubuntu16.04", "pytorch/1.6.0-gpu-debian12"]
    assert chosen(only=("1.6*-gpu-*",), platform="any") == both
    assert chosen(only=("pytorch/1.6*",), exclude=("*-cpu-*", "*-debian12"), platform="any") == both[:1]


@pytest.mark.parametrize(
    "glob", ["pytorch/1.6.0-gpu-debian12", "1.6*gpu-debian12", "*1.6*-gpu-deb*", "1.6.0-gpu-?ebian*"]
)
def test_a_glob_that_names_a_platform_selects_there(glob: str) -> None:
    assert chosen(only=(glob,)) == ["pytorch/1.6.0-gpu-debian12"]


@pytest.mark.parametrize("glob", ["1.6*", "1.6*-gpu-*", "1.6*gpu*", "*1.6.0-gpu*"])
def test_a_glob_that_names_no_platform_selects_on_the_default_one(glob: str) -> None:
    assert "pytorch/1.6.0-gpu-debian12" not in chosen(only=(glob,))


def test_nothing_selected_is_every_row_on_its_default_platform() -> None:
    assert chosen() == chosen(everything=True)
    assert chosen(platform="any") == [cell(spec) for spec in MATRIX.cells]
    assert "pytorch/1.4.0-cpu-debian12" not in chosen(exclude=("*-gpu-*",))


def test_how_many_rows_other_platforms_have() -> None:
    assert on_other_platforms(MATRIX, Selection(versions=("1.4",))) == 2
    assert on_other_platforms(MATRIX, Selection(versions=("1.4",), platform="debian12")) == 0
    assert on_other_platforms(MATRIX, Selection(only=("*-debian12",))) == 0


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ({"versions": ("1.7",)}, "pytorch 1.7: no such version"),
        ({"framework": "pytroch"}, "did you mean pytorch?"),
        ({"framework": "pytroch", "versions": ("1.6",)}, "did you mean pytorch?"),
        ({"versions": ("1.6",), "platform": "debian"}, "did you mean debian12?"),
        ({"only": ("pytorch/1.6.0-gpu-debian13",)}, "did you mean pytorch/1.6.0-gpu-debian12?"),
        ({"versions": ("2.12",), "device": "cpu"}, "there are only gpu images"),
    ],
)
def test_a_selection_without_a_match_says_what_was_close(flags: dict[str, object], what: str) -> None:
    with pytest.raises(InputError) as caught:
        chosen(**flags)
    assert what in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("flags", [{}, {"platform": "debian12"}, {"exclude": ("*-gpu-*",)}])
def test_what_only_narrows_selects_nothing(flags: dict[str, object]) -> None:
    with pytest.raises(InputError, match="nothing is selected"):
        assert_selected(MATRIX, Selection(**flags))  # type: ignore[arg-type]


def test_an_unknown_version_says_which_exist() -> None:
    with pytest.raises(InputError, match=r"there are 1\.0\.0, 1\.1\.0, .*2\.13\.0"):
        chosen(versions=("1.7",))


@given(
    st.sampled_from([None, "cpu", "gpu"]),
    st.sampled_from([None, "debian12", "ubuntu16.04", "any"]),
    st.sampled_from([(), ("1.6",), ("1",), ("2.13", "1.0")]),
)
def test_a_selection_is_a_part_of_the_matrix_in_its_order(device, platform, versions) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    names = [cell(spec) for spec in MATRIX.cells]
    try:
        found = chosen(device=device, platform=platform, versions=versions, everything=True)
    except InputError:
        return
    assert found == [name for name in names if name in set(found)]
    assert all(device is None or f"-{device}-" in name for name in found)
