"""Every pin of the row is read inside the image and compared."""

from collections.abc import Callable

import pytest

from builder.matrix.probes import Probe
from builder.matrix.promise import Promise
from builder.verify.checks.plugin import pin_of


def test_pin(promise: Promise, pin: str, measure: Callable[[Probe], str]) -> None:
    probe = pin_of(promise, pin)
    wanted = promise.pins[pin].value
    measured = measure(probe)
    if not probe.agrees(wanted, measured):
        holds = measured or "none"
        pytest.fail(f"{pin}: the row says {wanted}, the image holds {holds} ({probe.text})", pytrace=False)
