"""Promises, and a host that verified, for tests that need some, whatever they are."""

from builder.matrix.promise import Promise, PromisedPin
from builder.verify.report import HostKind

HOST = HostKind(architecture="amd64", gpu="none", engine="29.1.2")
PYTHON_PIN = PromisedPin(value="3.11", probe="python")


def promised(cell: str = "toy/1.0.0-cpu-debian12", **distributions: str) -> Promise:
    """The promise of a cell on Debian 12 that pins Python and these distributions."""
    framework, _, rest = cell.partition("/")
    version, device, platform = rest.split("-")
    pins = {name: PromisedPin(value=value, probe="python-distribution") for name, value in distributions.items()}
    return Promise(
        framework=framework,
        version=version,
        device="gpu" if device == "gpu" else "cpu",
        platform=platform,
        os_id="debian",
        os_version="12",
        pins={"python": PYTHON_PIN, **pins},
    )
