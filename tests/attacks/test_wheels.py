"""A wheel that somebody else made is refused in few lines, before it fills a disk or leaves its place."""

from pathlib import Path
from typing import Any

import pytest

from builder.derive.request import Contents
from builder.errors import InputError
from tests.support.base_files import BASE
from tests.support.corpus import cases
from tests.support.one_layer import one_layer
from tests.support.promises import promised
from tests.support.wheels import write_toy

IMAGE = Contents(
    digest=f"sha256:{'1' * 64}",
    promise=promised(),
    python="3.11.2",
    glibc="2.36",
    distributions={},
    site_packages="/opt/env/lib/python3.11/site-packages",
)


def test_the_good_wheel_is_taken(tmp_path: Path) -> None:
    wheel = write_toy({}, tmp_path / "toy-1.0-py3-none-any.whl")
    assert one_layer({"toy": wheel}, BASE, tmp_path).size


@pytest.mark.parametrize("case", cases("wheels"))
def test_it_is_refused(case: Any, tmp_path: Path) -> None:
    wheel = write_toy(case, tmp_path / "toy-1.0-py3-none-any.whl")
    with pytest.raises(InputError) as caught:
        one_layer({"toy": wheel}, BASE, tmp_path)
    assert case["says"] in caught.value.message
    assert all(one.isprintable() and one.strip() and not one.endswith(": ") for one in caught.value.problems)
    assert len(caught.value.problems) <= 10
