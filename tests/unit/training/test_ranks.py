"""The lines of one rank, out of the output of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.training.records.ranks import RankLines, assert_there
from builder.training.request.distribution import Topology

OUTPUT = b"[0] a\n[1] b\n[10] c\n[1] \n[1] [0] d\nlauncher: rank 1\n[worker-0] [1] e\n[1,1]<stdout>:f\n[1,0]<stderr>:g\n[1] end"
OWN = b"b\n\n[0] d\ne\nf\nend"


@given(st.lists(st.integers(1, 30)))
def test_lines_survive_any_cut(cuts: list[int]) -> None:
    said: list[tuple[bool, bytes]] = []
    lines = RankLines(1, lambda is_error, data: said.append((is_error, data)))
    rest = OUTPUT
    for cut in cuts:
        lines(False, rest[:cut])
        rest = rest[cut:]
    lines(False, rest)
    lines.end()
    assert b"".join(data for _, data in said) == OWN


def test_the_streams_stay_apart() -> None:
    said: list[tuple[bool, bytes]] = []
    lines = RankLines(0, lambda is_error, data: said.append((is_error, data)))
    lines(False, b"[0] out")
    lines(True, b"[0] err\n")
    lines(False, b"put\n")
    assert said == [(True, b"err\n"), (False, b"output\n")]


def test_a_rank_that_is_not_there_is_named() -> None:
    assert_there(Topology(), 0, "run")
    with pytest.raises(InputError, match="run: it has no rank 1, but rank 0 only"):
        assert_there(Topology(), 1, "run")
    with pytest.raises(InputError, match="the ranks 0 to 3"):
        assert_there(Topology(backend="gloo", nodes=2, processes_per_node=2), 4, "run")
