"""Cells for CPU with PyTorch's wheels without CUDA, which the package index does not have of every release."""

from dataclasses import replace

from builder.matrix.names import CPU_WHEELS
from builder.matrix.spec import ImageSpec, Pin
from builder.matrix.version import order

SINCE = {"torch": "1.2.0", "torchvision": "0.4.0"}
"""The first release whose wheel without CUDA has that local version: https://pytorch.org/get-started/previous-versions.

Those before have the same version, in a directory of their own.
"""


def with_cpu_wheels(spec: ImageSpec) -> ImageSpec:
    """The cell with pins like `torch: 1.6.0+cpu`, whose closure is apart from the committed one.

    It is the same where it is none for CPU, holds no torch, or is pinned so in the matrix already.
    """
    torch = spec.pin("torch")
    if spec.device != "cpu" or torch is None or "+" in torch.value:
        return spec
    return replace(spec, pins=tuple(map(without_cuda, spec.pins)), cpu_wheels=True)


def without_cuda(pin: Pin) -> Pin:
    since = SINCE.get(pin.name)
    has_wheel = since and order(pin.value) >= order(since)
    return replace(pin, value=pin.value + CPU_WHEELS) if has_wheel else pin
