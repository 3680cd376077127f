"""Cells that share a layer are one job, and there are never more jobs than allowed."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.__main__ import main
from builder.matrix.shards import Cell, Shard, shards

CELLS = st.lists(
    st.builds(Cell, name=st.text("ab/-.0", min_size=1), layer=st.sampled_from("klmnop")),
    unique_by=lambda cell: cell.name,
)


def names(jobs: Iterable[Shard]) -> list[tuple[str, ...]]:
    return [job.cells for job in jobs]


def test_cells_with_one_layer_share_a_job() -> None:
    cells = [Cell(name="b", layer="1"), Cell(name="c", layer="2"), Cell(name="a", layer="1")]
    assert names(shards(cells)) == [("a", "b"), ("c",)]
    assert [job.name for job in shards(cells)] == ["a and 1 more", "c"]


@given(CELLS, st.integers(1, 5), st.randoms())
def test_every_cell_is_in_one_job_whatever_their_order(cells: list[Cell], limit: int, random: object) -> None:
    jobs = shards(cells, limit)
    assert sorted(name for job in jobs for name in job.cells) == sorted(cell.name for cell in cells)
    assert len(jobs) <= limit
    shuffled = list(cells)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert shards(shuffled, limit) == jobs


def test_the_matrix_of_a_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["ci", "matrix", "--version", "1.4", "--version", "2.12", "--platform", "any", "--format", "github"]) == 0
    )
    key, _, text = capsys.readouterr().out.partition("=")
    jobs = json.loads(text)["include"]
    assert key == "matrix"
    assert {"pytorch/1.4.0-cpu-debian12 pytorch/1.4.0-gpu-debian12", "pytorch/2.12.1-gpu-debian12"} <= {
        job["cells"] for job in jobs
    }
