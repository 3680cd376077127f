"""images/records.yaml: written the same each time, read strictly, and true of the matrix beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.build.records import FILE, dump, load
from builder.errors import InputError
from builder.matrix.load import load as load_matrix
from builder.matrix.names import cell
from tests.support.damaged_files import Damage
from tests.support.records import RECORD

ROOT = Path(__file__).parents[3]
CELLS = {cell(spec) for spec in load_matrix(ROOT / "matrix.yaml").cells}
LINE = dump({"toy/1.0.0-cpu-debian12": RECORD}).splitlines()[-1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    return tmp_path / FILE


def refused(file: Path) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        load(file)
    assert f"git checkout {file}; or remove it" in str(caught.value.hint)
    return caught.value.problems


def test_what_is_written_is_read_back_sorted_and_one_line_a_cell(file: Path) -> None:
    records = {"b/1-cpu-x": RECORD, "a/1-cpu-x": replace(RECORD, status="rehearsed", gpu="nvidia")}
    file.write_text(dump(records))
    assert load(file) == records
    assert dump(load(file)) == file.read_text()
    assert [line.partition(":")[0] for line in file.read_text().splitlines()[3:]] == ["  a/1-cpu-x", "  b/1-cpu-x"]
    file.write_text(dump({}))
    assert load(file) == {}


def test_without_a_file_there_are_no_records(file: Path) -> None:
    assert load(file) == {}


def test_the_committed_records_are_of_cells_of_the_matrix_and_as_the_verb_writes_them() -> None:
    found = load(ROOT / FILE, CELLS)
    assert not (ROOT / FILE).exists() or dump(found) == (ROOT / FILE).read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "status: verified",
            "status: built",
            "records.yaml:4:36: records.toy/1.0.0-cpu-debian12.status: 'built' is not",
        ),
        ("day: 2026-11-28", "day: yesterday", "'yesterday' is not a day like 2026-01-31"),
        ("day: 2026-11-28", "day: 2026-02-31", "2026-02-31 is no day"),
        ("digest: sha256:", "digest: sha512:", "is not a digest"),
        ("pins: 15", "pins: -1", "'-1' is not a number"),
        ("pins: 15", "pins: 1000000", "'1000000' is not a number"),
        ("pins: 15, ", "", "the key pins is missing"),
        ("gpu: none", "gpu: none, host: mine", "unknown key"),
        ("gpu: none", "gpu: [none]", "a sequence is not nvidia or none"),
        ("engine: 29.1.2", "engine: '29.1.2 on mine'", "is not the version of an engine"),
        ("schema: 1", "schema: 2", "is not a schema this program knows"),
        ("schema: 1", "schema: 1\nmore: 1", "unknown key"),
        ("records:", "record:", "unknown key (did you mean records?)"),
        (LINE, f"{LINE}\n{LINE}", "the key is there twice"),
    ],
)
def test_each_mistake_says_where(file: Path, old: str, new: str, said: str) -> None:
    text = dump({"toy/1.0.0-cpu-debian12": RECORD})
    assert old in text
    file.write_text(text.replace(old, new))
    assert any(one.startswith("records.yaml:") and said in one for one in refused(file)), refused(file)


def test_all_mistakes_are_said_at_once(file: Path) -> None:
    file.write_text(dump({"toy/1.0.0-cpu-debian12": RECORD}).replace("pins: 15, passed: 32", "pins: x, passed: y"))
    assert len(refused(file)) == 2


def test_a_damaged_file_is_an_error(file: Path, damage: Damage) -> None:
    assert refused(damage(file))


def test_a_record_of_no_cell_is_named_where_the_cells_are_known(file: Path) -> None:
    file.write_text(dump({"pytorch/1.6.1-gpu-debian12": RECORD}))
    with pytest.raises(
        InputError, match=r"records.yaml:4:\d+: .*no such cell \(did you mean pytorch/1.6.0-gpu-debian12"
    ):
        load(file, CELLS)
