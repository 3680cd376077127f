"""PyTorch does what its users start it for: arithmetic, operators, event files, two processes."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from builder.matrix.promise import Promise
from builder.matrix.version import order
from builder.verify.checks.gpu import RIGHT
from builder.verify.checks.plugin import Python, Subject
from builder.verify.checks.scripts import HOROVOD, MPIRUN, TORCH_PARTS

Part = Callable[[str], Any]
Answers = Mapping[str, Mapping[str, object]]
WORLD = 2


def has(promise: Promise, pin: str, since: str = "0") -> bool:
    """Whether it pins that name, at `since` or later."""
    found = promise.pins.get(pin)
    return found is not None and order(found.value) >= order(since)


def is_gpu(subject: Subject) -> bool:
    return subject.promise.device == "gpu"


def has_operators(subject: Subject) -> bool:
    return has(subject.promise, "torchvision", "0.3")


def has_event_files(subject: Subject) -> bool:
    """torch.utils.tensorboard came with torch 1.1."""
    return has(subject.promise, "tensorboard") and has(subject.promise, "torch", "1.1")


@pytest.fixture(scope="module")
def part(python: Python, subject: Subject) -> Part:
    """The result of one part of a script that imports torch once for all of them."""
    wanted = ["gloo", "product"]
    wanted += ["nms"] if has_operators(subject) else []
    wanted += ["tensorboard"] if has_event_files(subject) else []
    wanted += ["gpus", "cuda"] if is_gpu(subject) and subject.has_gpu else []
    return functools.partial(result, answers(python, *wanted))


def answers(python: Python, *parts: str) -> Answers:
    """What each part of the script said; one that crashed is missing."""
    printed = python(f"PARTS = {parts!r}\n{TORCH_PARTS}", survive=True)
    return dict(json.loads(line[5:]) for line in printed.splitlines() if line.startswith("PART "))


def result(found: Answers, name: str) -> object:
    """The result of a part; fails with its error."""
    died = f"the process died before it answered; it got to {', '.join(found) or 'nothing'}"
    answer = found.get(name, {"error": died})
    if "error" in answer:
        pytest.fail(str(answer["error"]), pytrace=False)
    return answer["result"]


def test_product_of_tensors(part: Part) -> None:
    assert part("product") == RIGHT["product"], "a product of two matrices is wrong"


@pytest.mark.applies(when=has_operators)
def test_operator_of_torchvision(part: Part) -> None:
    assert part("nms") == [0, 2], "torchvision.ops.nms keeps the wrong boxes"


@pytest.mark.applies(when=has_event_files)
def test_event_file_of_tensorboard(part: Part) -> None:
    sizes = part("tensorboard")
    assert sizes, "SummaryWriter wrote no event file"
    assert min(sizes) > 0, "SummaryWriter wrote an empty event file"


def test_gloo_allreduce_of_two_processes(part: Part) -> None:
    assert part("gloo") == RIGHT["gloo"], f"1 + 2 over two processes, and the other's exit code: {part('gloo')}"


@pytest.mark.applies(when=lambda subject: has(subject.promise, "horovod"))
def test_horovod_allreduce_of_two_processes(python: Python) -> None:
    lines = sorted(line for line in python(HOROVOD, before=MPIRUN).splitlines() if line.startswith("rank "))
    assert lines == ["rank 0 of 2: 1.5", "rank 1 of 2: 1.5"], f"the average of 1 and 2 over two processes: {lines}"


@pytest.mark.applies(when=is_gpu)
def test_kernel_on_the_gpu(subject: Subject, part: Part) -> None:
    needs_gpu(subject)
    assert part("cuda") == RIGHT["cuda"], "a product of two matrices on the GPU is wrong"


@pytest.mark.applies(when=is_gpu)
def test_nccl_allreduce_of_two_gpus(subject: Subject, part: Part, python: Python) -> None:
    needs_gpu(subject)
    if part("gpus") < WORLD:
        pytest.skip("not checked: one GPU here, NCCL wants one for each process")
    found = result(answers(python, "nccl"), "nccl")
    assert found == RIGHT["nccl"], f"1 + 2 over two GPUs, and the other's exit code: {found}"


def needs_gpu(subject: Subject) -> None:
    if not subject.has_gpu:
        pytest.skip("not checked: no GPU here")
