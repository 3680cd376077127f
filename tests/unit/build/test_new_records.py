"""Which images a record is made of, and what it says when matrix or checks have changed since."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from builder.build.contexts import existing, row_of
from builder.build.fingerprint import Inputs, fingerprint, hashes, label
from builder.build.new_records import newest
from builder.build.recorded import Today, recorded, today_of
from builder.build.records import FILE, Record, dump
from builder.build.render import environment
from builder.commands.record import outcome, replaces
from builder.matrix import names
from builder.matrix.load import load
from builder.matrix.names import cell, context
from builder.matrix.promise import promise_of
from builder.matrix.spec import EPOCH
from builder.verify import passed
from builder.verify.report import Report, Result
from tests.rehearsal import world
from tests.support.promises import HOST
from tests.support.records import RECORD

ROOT = Path(__file__).parents[3]
SPEC = next(spec for spec in load(ROOT / "matrix.yaml").cells if spec.framework == "scikit-learn")
TODAY = today_of(ROOT)(SPEC)
FILES = hashes(existing(ROOT / context(SPEC)), row_of(SPEC))
INPUTS = Inputs(
    platform="debian12/amd64",
    base=f"sha256:{'b' * 64}",
    toolchain=f"sha256:{'b' * 64}",
    pins={},
    files=FILES,
    stages={},
)
RESULTS = (
    Result(name="pins: python", outcome="passed", message="", seconds=1),
    Result(name="gpu", outcome="not-checked", message="no GPU here", seconds=0),
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def image(
    labels: Mapping[str, str] = MappingProxyType({}),
    *,
    inputs: Inputs = INPUTS,
    digit: str = "1",
    checks: str = TODAY.checks,
) -> dict[str, Any]:
    """An entry of the engine's list, of an image that passed these checks; `labels` are besides those of a build."""
    digest = f"sha256:{digit * 64}"
    report = Report(
        reference="x",
        digest=digest,
        promise=promise_of(SPEC),
        results=RESULTS,
        measured={"python": "3.11"},
        host=HOST,
        seconds=1,
        junit=None,
        log=None,
    )
    passed.pass_of(report, checks, print)
    written = {
        names.LABEL_ROW: promise_of(SPEC).to_label(),
        names.LABEL_INPUTS: label(inputs),
        names.LABEL_FINGERPRINT: fingerprint(inputs),
    }
    return {"Id": digest, "Created": EPOCH, "Labels": {**written, **labels}}


def made(*images: Mapping[str, Any], today: Today = TODAY) -> Record | None:
    return newest(SPEC, today, images)


def test_the_record_is_of_what_passed_here() -> None:
    found = made(image())
    assert found
    assert (found.status, found.pins, found.passed, found.not_checked, found.engine) == ("verified", 1, 1, 1, "29.1.2")
    assert (found.inputs, found.checks) == (TODAY.inputs, TODAY.checks)
    assert found == made(image()), "the same again"


def test_a_site_s_base_and_stages_and_the_architecture_are_none_of_its_inputs() -> None:
    other = replace(INPUTS, base=f"sha256:{'c' * 64}", platform="debian12/arm64", stages={"python-3.11": "1" * 64})
    assert made(image(inputs=other))


def test_what_did_not_pass_these_checks_with_these_inputs_is_no_record() -> None:
    assert made({**image(), "Id": f"sha256:{'9' * 64}"}) is None, "nothing is known of it"
    assert made(image(checks="0" * 64), today=replace(TODAY, checks="5" * 64)) is None
    assert made(image(inputs=replace(INPUTS, files={**FILES, "Dockerfile": "0"}))) is None
    assert made(image(), today=replace(TODAY, inputs="0" * 64)) is None


def test_what_no_build_of_the_cell_made_is_no_record() -> None:
    assert made({**image(), "Created": EPOCH + 1}) is None
    assert made(image({names.LABEL_DERIVED: "{}"})) is None
    assert made(image({names.LABEL_FINGERPRINT: "0" * 64})) is None
    assert made(image({names.LABEL_INPUTS: "[]"})) is None
    assert made(image({names.LABEL_ROW: promise_of(replace(SPEC, version="9.9")).to_label()})) is None
    assert made({**image(), "Labels": None}) is None


def test_a_rehearsal_is_never_verified() -> None:
    says = {names.LABEL_REHEARSAL: "not the real thing"}
    assert made(image(says)) is None, "of which inputs is not said"
    found = made(image({**says, names.LABEL_REHEARSED: TODAY.inputs}))
    assert found
    assert found.status == "rehearsed"
    assert made(image({**says, names.LABEL_REHEARSED: "0" * 64})) is None
    bare = made(image({names.LABEL_REHEARSED: TODAY.inputs}))
    assert bare
    assert bare.status == "rehearsed"


def test_a_rehearsal_says_of_each_image_which_inputs_it_rehearses(tmp_path: Path) -> None:
    (tmp_path / "one.j2").write_text(f"LABEL {world.labels(ROOT)}")
    text = environment(tmp_path).get_template("one.j2").render(spec=SPEC)
    assert text == f'LABEL {names.LABEL_REHEARSAL}="{world.SAID}" {names.LABEL_REHEARSED}={TODAY.inputs}'


def test_the_rehearsal_of_another_cell_is_not_of_this_one() -> None:
    other = promise_of(replace(SPEC, version="9.9")).to_label()
    labels = {names.LABEL_REHEARSAL: "x", names.LABEL_REHEARSED: TODAY.inputs, names.LABEL_ROW: other}
    assert made(image(labels)) is None


def test_the_real_thing_comes_before_a_rehearsal() -> None:
    real = image(digit="1")
    stand_in = image({names.LABEL_REHEARSED: TODAY.inputs}, digit="2")
    for images in ((real, stand_in), (stand_in, real)):
        found = made(*images)
        assert found
        assert (found.status, found.digest) == ("verified", real["Id"])


def test_a_rehearsal_takes_the_place_of_a_rehearsal_only() -> None:
    rehearsed = replace(RECORD, status="rehearsed")
    assert [replaces(rehearsed, None), replaces(rehearsed, rehearsed), replaces(rehearsed, RECORD)] == [
        True,
        True,
        False,
    ]
    assert [replaces(RECORD, rehearsed), replaces(RECORD, RECORD)] == [True, True]
    assert outcome(rehearsed, RECORD, RECORD) == "kept"
    assert outcome(None, RECORD, RECORD) == "kept"
    assert outcome(None, None, None) == "nothing to record"


def test_a_record_of_other_inputs_or_checks_says_so(tmp_path: Path) -> None:
    for name in ("templates", context(SPEC)):
        shutil.copytree(ROOT / name, tmp_path / name)
    record = made(image())
    assert record
    file = tmp_path / FILE

    def said(record: Record) -> str:
        file.write_text(dump({cell(SPEC): record}))
        return str(recorded(tmp_path, [SPEC])[cell(SPEC)])

    assert said(record) == f"verified {record.day}"
    assert said(replace(record, checks="0" * 64)) == f"verified {record.day}, by earlier checks"
    assert said(replace(record, inputs="0" * 64)) == f"verified {record.day}, of an earlier matrix"
    (tmp_path / context(SPEC) / "Dockerfile").open("a").write("RUN true\n")
    assert said(record) == f"verified {record.day}, of an earlier matrix"


def test_a_changed_row_is_another_matrix_before_it_is_rendered() -> None:
    moved = replace(SPEC, pins=tuple(replace(pin, value="9.9") for pin in SPEC.pins))
    assert today_of(ROOT)(moved).inputs != TODAY.inputs


def test_a_check_of_a_framework_counts(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    assert today_of(tmp_path)(SPEC).checks == TODAY.checks
    (tmp_path / "templates" / SPEC.framework / "test_more.py").write_text("def test_more(): pass\n")
    assert today_of(tmp_path)(SPEC).checks != TODAY.checks
