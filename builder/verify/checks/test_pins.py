"""Every pin of the row is read inside the image and compared."""

from collections.abc import Callable

import pytest

from builder.matrix.probes import Probe
from builder.verify.checks.plugin import pin_of
from builder.verify.report import Row


def test_pin(row: Row, pin: str, measure: Callable[[Probe], str]) -> None:
    probe = pin_of(row, pin)
    wanted = str(row["pins"][pin]["value"])
    measured = measure(probe)
    if not probe.agrees(wanted, measured):
        holds = measured or "none"
        pytest.fail(f"{pin}: the row says {wanted}, the image holds {holds} ({probe.text})", pytrace=False)
