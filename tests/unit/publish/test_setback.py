"""Which rolling tags would go back: to an older release or build, or to another framework."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builder.errors import InputError
from builder.matrix.load import load
from builder.matrix.promise import Promise, promise_of
from builder.publish.holders import Holder
from builder.publish.setback import FLAG, refuse, setbacks

CELLS = load(Path(__file__).parents[3] / "matrix.yaml").cells
AFTER = promise_of(next(spec for spec in CELLS if spec.version == "1.6.0" and spec.device == "gpu"))
WHEN = datetime(2026, 3, 1, tzinfo=UTC)
DIGEST = f"sha256:{'a' * 64}"


def told(before: Promise | None, there: timedelta | None = None, *, is_known: bool = True) -> list[str]:
    """What is said of a tag on such an image, verified so much later than the one that would get the tag."""
    holder = Holder(tag="1.6-gpu", reference="h/pytorch:1.6-gpu", digest=DIGEST, promise=before)
    verified = {} if there is None else {DIGEST: WHEN + there}
    return list(setbacks([holder], AFTER, WHEN if is_known else None, verified.get))


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (replace(AFTER, version="1.6.1"), "back from 1.6.1 to 1.6.0"),
        (replace(AFTER, version="1.10.0"), "back from 1.10.0 to 1.6.0"),
        (replace(AFTER, framework="scikit-learn"), "from scikit-learn to pytorch"),
    ],
)
def test_an_older_release_and_another_framework(before: Promise, words: str) -> None:
    assert told(before) == [f"h/pytorch:1.6-gpu would go {words}; it is on {DIGEST[:19]}"]


def test_an_older_build_of_the_cell() -> None:
    (found,) = told(AFTER, timedelta(hours=1))
    assert "back to an older build, verified on 2026-03-01T00:00:00+00:00, from one of 2026-03-01T01:00:00" in found


def test_what_goes_forward_or_is_not_known_moves() -> None:
    assert told(replace(AFTER, version="1.6.0rc1")) == told(replace(AFTER, version="1.5.0"), timedelta(9)) == []
    assert told(AFTER, timedelta(0)) == told(AFTER, timedelta(-1)) == told(AFTER) == []
    assert told(AFTER, timedelta(1), is_known=False) == []
    assert told(None) == [], "no image of ours"


def test_all_are_refused_at_once_and_the_flag_is_named() -> None:
    with pytest.raises(InputError) as raised:
        refuse(["one", "two"], "pytorch/1.6.0-gpu-debian12")
    assert raised.value.problems == tuple(
        f"pytorch/1.6.0-gpu-debian12: not without {FLAG}: {one}" for one in ("one", "two")
    )
    refuse([], "x")
