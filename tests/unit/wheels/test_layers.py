"""What decides the bytes of a layer is in its key, and a wheel is cut by file."""

from dataclasses import replace

import pytest

from builder.wheels.interpreter import Interpreter
from builder.wheels.layering import Layering, Wheel
from builder.wheels.layers import Wanted, cut, key

PYTHON = Interpreter(
    python="3.11.2", site_packages="/opt/env/lib/python3.11/site-packages", build="a", tag="cpython-311"
)
SIX = Layering(title="six 1.0", wheels=(Wheel(name="six", version="1.0", key="0" * 64, size=9),))
WANTED = Wanted(layerings=[SIX], files={})


@pytest.mark.parametrize(
    ("layering", "wanted", "python", "apart"),
    [
        (replace(SIX, wheels=(replace(SIX.wheels[0], key="1" * 64),)), WANTED, PYTHON, ""),
        (replace(SIX, part_bytes=5), WANTED, PYTHON, ""),
        (SIX, replace(WANTED, compression="gzip"), PYTHON, ""),
        (SIX, replace(WANTED, script="another pip"), PYTHON, ""),
        (SIX, WANTED, replace(PYTHON, build="b"), ""),
        (SIX, WANTED, replace(PYTHON, links={"/opt/env/lib64": "/opt/env/lib"}), ""),
        (SIX, WANTED, PYTHON, "sha256:of a base that nobody verified"),
    ],
)
def test_each_of_them_makes_another_key(layering: Layering, wanted: Wanted, python: Interpreter, apart: str) -> None:
    assert key(layering, wanted, python, apart) != key(SIX, WANTED, PYTHON, "")


def test_what_decides_nothing_is_not_in_it() -> None:
    other = replace(SIX, title="another title", wheels=(replace(SIX.wheels[0], size=8, version="1.0.0"),))
    assert key(other, WANTED, PYTHON, "") == key(SIX, WANTED, PYTHON, "")


def test_a_wheel_is_cut_by_file_and_a_large_file_is_alone() -> None:
    paths = [("a", 4), ("big", 90), ("c", 4), ("d", 4), ("half", 6)]
    assert cut(paths, 10) == {"a": 0, "big": 1, "c": 0, "d": 2, "half": 3}
    assert cut([], 10) == {}
