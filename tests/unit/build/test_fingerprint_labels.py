"""Anybody can write an image's labels: what `label` did not write is refused, and none of it reaches a terminal."""

import json
from pathlib import Path

import pytest

from builder.build.checkout import Checkout, spec_of
from builder.build.existing import read
from builder.build.fingerprint import fingerprint_in, inputs_of, label, parse
from builder.errors import InputError
from builder.matrix.load import load
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_ROW
from builder.matrix.promise import promise_of

ROOT = Path(__file__).parents[3]
CELLS = load(ROOT / "matrix.yaml").cells
FILES = {
    "Dockerfile": "FROM x",
    "requirements/rest.txt": "six==1.16.0\ntorch==1.6.0+cu101 --hash=x",
    "packages/build.txt": "g++\nlibc6=2.36-9+deb12u10\nopenssh=1:9.2~p1",
    "conda/environment.txt": "https://conda.example/x64/_libgcc_mutex-0.1-main.conda",
}
BASE = f"sha256:{'0' * 64}"
INPUTS = inputs_of(
    files=FILES,
    row="",
    pins={"six": "1.16.0"},
    platform="debian12/amd64",
    base=BASE,
    toolchain=BASE,
    stages={"pip": "0"},
)
GOOD = json.loads(label(INPUTS))
HARM = ("\x1b[2J", "\u202eEVIL", "a\n::error::b", "x" * 201, " ", 1, None, ["a"], "$(x)", "<b>")
BAD = [
    *(json.dumps({**GOOD, name: harm}) for name in ("platform", "base", "toolchain") for harm in HARM),
    *(json.dumps({**GOOD, name: {"a": harm}}) for name in ("pins", "files", "stages") for harm in HARM),
    *(json.dumps({**GOOD, name: {str(harm): "a"}}) for name in ("pins", "files", "stages") for harm in HARM[:5]),
    *(json.dumps({**GOOD, "lists": {"packages/a": {"a": harm}}}) for harm in HARM),
    *(json.dumps({**GOOD, "lists": {harm: {}}}) for harm in HARM[:5]),
    *(json.dumps({**GOOD, name: harm}) for name in ("pins", "lists") for harm in HARM),
    json.dumps({**GOOD, "schema": "\x1b" + "x" * 9_000}),
    json.dumps({**GOOD, "pins": {f"a{number}": "1" for number in range(9_000)}}),
    label(INPUTS).replace('"platform"', '"base":"b","platform"'),
    "[" * 100_000,
    "[]",
    "",
]
MARKS = ("latest", "0123abcd", "A" * 64, f"{'a' * 64}\n", "../../..", "\x1b[2Jpwn\n::error::x", "", None, 7)


def test_what_was_written_is_read_back() -> None:
    assert parse(label(INPUTS)) == INPUTS


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_other_inputs_are_one_clear_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[ -~]{1,200}$"):
        parse(text)


@pytest.mark.parametrize("mark", MARKS)
def test_another_fingerprint_is_none(mark: object) -> None:
    labels = {LABEL_ROW: promise_of(CELLS[0]).to_label(), LABEL_FINGERPRINT: mark}
    assert fingerprint_in(labels) == read({"Id": BASE, "Labels": labels}).fingerprint == ""
    with pytest.raises(InputError, match=r"its label framework-images\.fingerprint is no fingerprint"):
        spec_of(Checkout(root=ROOT, cells=CELLS), "img", {name: str(text) for name, text in labels.items()})


def test_a_fingerprint_is_read() -> None:
    assert fingerprint_in({LABEL_FINGERPRINT: "a" * 64}) == "a" * 64
