"""A label that no build of ours wrote is refused in one line, and chooses no check."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.build import fingerprint
from builder.errors import InputError
from builder.matrix import derived_label
from builder.matrix.derived_label import derived_in
from builder.matrix.names import LABEL_DERIVED, LABEL_INPUTS, LABEL_ROW
from builder.matrix.promise import from_label, promise_in
from builder.verify.run_checks import CHECKS, extra_checks_of, own_checks
from tests.support.corpus import cases
from tests.support.promises import promised

READERS = {"row": from_label, "derived": derived_label.from_label, "inputs": fingerprint.parse}
LABELS = {"derived": LABEL_DERIVED, "inputs": LABEL_INPUTS}
IMAGE = f"sha256:{'1' * 64}"


def label(case: Any) -> str:
    """The text of the label."""
    more = (case["repeat"][0] * case["repeat"][1]) if "repeat" in case else ""
    if "text" in case:
        return f"{case['text'].replace('%s', '0' * 64)}{more}{case.get('end', '')}"
    content: Any = promised(six="1.16.0").document()
    *parents, last = case["path"].split("/")
    inner = content
    for name in parents:
        inner = inner[name]
    inner[last] = json.loads(case["value_json"]) if "value_json" in case else more or case.get("value")
    return json.dumps(content)


@pytest.mark.parametrize("case", cases("labels"))
def test_it_is_refused(case: Any) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        READERS[case.get("of", "row")](label(case))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("case", cases("labels"))
def test_the_error_names_the_image_in_one_line(case: Any) -> None:
    """A label of inputs that cannot be read is no error: the image is stale."""
    labels = {LABELS.get(case.get("of"), LABEL_ROW): label(case)}
    with pytest.raises(InputError, match=IMAGE) as caught:
        derived_in(labels, IMAGE) or promise_in(labels, IMAGE, "")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("framework", ["", ".", "..", "../outside", "inside/../../outside", "*", "i?side", "nothing"])
def test_a_framework_chooses_no_check_outside_the_templates(tmp_path: Path, framework: str) -> None:
    for directory in ("outside", "templates/inside", "templates"):
        (tmp_path / directory).mkdir(parents=True, exist_ok=True)
        (tmp_path / directory / "test_x.py").write_text("")
    templates = tmp_path / "templates"
    assert extra_checks_of(templates, framework) == ()
    assert extra_checks_of(templates, str(tmp_path / "outside")) == ()
    assert extra_checks_of(templates, "inside") == (templates / "inside/test_x.py",)


@pytest.mark.parametrize("framework", ["", "../x", "image", "pins", "pytorch/../pytorch", "pytorch", "scikit-learn"])
def test_a_framework_chooses_no_file_of_ours_twice(framework: str) -> None:
    files = own_checks(framework)
    assert len(set(files)) == len(files)
    assert all(file.parent == CHECKS and file.is_file() for file in files)


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_text_is_a_traceback(text: str) -> None:
    for read in READERS.values():
        with pytest.raises(ValueError, match=r"."):
            read(text)
