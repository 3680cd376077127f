"""What an image promises: the label that is written is read back, and no other text is taken for one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.matrix.derived_label import DerivedLabel, derived_in
from builder.matrix.derived_label import from_label as derived_from_label
from builder.matrix.load import load
from builder.matrix.names import LABEL_DERIVED, LABEL_ROW, cell
from builder.matrix.promise import Promise, cell_in, from_label, promise_in, promise_of
from tests.support.promises import promised

CELLS = load(Path(__file__).parents[3] / "matrix.yaml").cells
GOOD = promised(six="1.16.0").document()
PUBLISHED = (
    '{"device":"cpu","framework":"scikit-learn","os":{"id":"debian","version":"12"},'
    '"pins":{"git":{"probe":"git","value":"2.39"},"openmpi":{"probe":"openmpi","value":"4.1.4"}},'
    '"platform":"debian12","version":"1.9.0"}'
)
"""As an image of the first release carries it."""
DERIVED = DerivedLabel(base=f"sha256:{'0' * 64}", key="ab" * 32, distributions={"six": "1.16.0"}, conda={"x264": "1!1"})


@pytest.mark.parametrize("spec", CELLS, ids=cell)
def test_every_label_of_the_matrix_is_read_back(spec: Any) -> None:
    assert from_label(promise_of(spec).to_label()) == promise_of(spec)
    assert promise_of(spec).cell == cell(spec)


def test_a_label_that_is_published_stays_readable() -> None:
    assert from_label(PUBLISHED).cell == "scikit-learn/1.9.0-cpu-debian12"
    assert from_label(PUBLISHED).to_label() == PUBLISHED


def changed(path: str, value: object) -> str:
    """A good label with one value that is another."""
    content = json.loads(json.dumps(GOOD))
    *parents, last = path.split("/")
    inner = content
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return json.dumps(content)


BAD = {
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "nothing": "{}",
    "deep": '{"framework":' * 100_000,
    "deep list": "[" * 100_000,
    "long": json.dumps({**GOOD, "version": "1" * 100_000}),
    "no pins": changed("pins", {}),
    "pins as a list": changed("pins", ["torch"]),
    "a pin as text": changed("pins/six", "1.16.0"),
    "a pin without a probe": changed("pins/six", {"value": "1"}),
    "a probe that is none": changed("pins/six/probe", "shell:rm"),
    "a probe without its argument": changed("pins/six/probe", "dpkg:"),
    "a value with a blank": changed("pins/six/value", "1.16.0 "),
    "a value that is a number": changed("pins/six/value", 1.16),
    "a path as the framework": changed("framework", "/tmp/x"),
    "a framework above": changed("framework", "../x"),
    "a framework with a line": changed("framework", "x\ny"),
    "a number as the framework": changed("framework", 1),
    "a platform with a slash": changed("platform", "a/b"),
    "another device": changed("device", "tpu"),
    "a device in a list": changed("device", ["cpu"]),
    "no system": changed("os", None),
    "a system without a version": changed("os", {"id": "debian"}),
    "more of a system": changed("os/kernel", "6"),
    "more of a pin": changed("pins/six/source", "x"),
    "a key twice": promised(six="1.16.0").to_label().replace('"os":', '"device":"gpu","os":'),
    "a long key": json.dumps({**GOOD, "\u202e" * 9_000: 1}),
    "a key of tomorrow": json.dumps({**GOOD, "flavour": "devel"}),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_promise_is_one_clear_error(text: str) -> None:
    with pytest.raises(InputError) as caught:
        promise_in({LABEL_ROW: text}, "sha256:ab", "build it")
    assert caught.value.message.startswith("sha256:ab: the label framework-images.row is not a row: ")
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    assert cell_in({LABEL_ROW: text}) == ""


def test_an_image_without_the_label_is_of_nobody() -> None:
    with pytest.raises(InputError, match="it has no label"):
        promise_in({}, "sha256:ab", "build it")
    assert cell_in({}) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(GOOD)) | st.text(), inner),
    max_leaves=20,
)


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_a_promise_or_a_value_error(text: str) -> None:
    for reader in (from_label, derived_from_label):
        try:
            found = reader(text)
        except ValueError:
            continue
        assert isinstance(found, Promise | DerivedLabel)


def test_what_was_derived_is_read_back() -> None:
    assert derived_in({LABEL_DERIVED: DERIVED.to_label()}, "x") == DERIVED
    assert derived_in({}, "x") is None


@pytest.mark.parametrize(
    "label",
    [
        replace(DERIVED, base="sha256:0").to_label(),
        replace(DERIVED, key="../x").to_label(),
        replace(DERIVED, distributions={"a b": "1"}).to_label(),
        replace(DERIVED, conda={"x": "1;rm"}).to_label(),
        "[" * 100_000,
        "{}",
        DERIVED.to_label().replace('"schema":1', '"schema":1,"more":1'),
        DERIVED.to_label().replace('"schema":1', '"schema":1,"key":"00000000"'),
        DERIVED.to_label().replace('"schema":1', f'"schema":"{"x" * 9_000}"'),
    ],
)
def test_another_label_of_a_derived_image_is_refused(label: str) -> None:
    with pytest.raises(InputError, match="cannot be read") as caught:
        derived_in({LABEL_DERIVED: label}, "sha256:ab")
    assert len(caught.value.message) < 300
