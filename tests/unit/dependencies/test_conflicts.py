"""Conflicts: no false alarm on our matrix, the six rows that pip refuses, and mismatches seen in the world."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from builder.dependencies import known_breaks
from builder.dependencies.conflict_rules import Found, Row, clashes
from builder.dependencies.conflicts import Conflict, accepted, as_documented, conflicts, of, row_of
from builder.dependencies.lockfile import Lock
from builder.dependencies.lockfile import load as load_lock
from builder.dependencies.metadata import from_line
from builder.dependencies.pep508 import Requirements
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec, Pin

ROOT = Path(__file__).parents[3]
CELLS = load(ROOT / "matrix.yaml").cells
LOCK = load_lock(ROOT / "builder.lock")
RULES = known_breaks.load()
NOTES = ("bundles CUDA", "a container starts on driver", "-include stdexcept")
MORE = {
    "azureml-core==1.48.0": "Python>=3.7,<4.0",
    "azureml-defaults==1.48.0": "Python | azureml-core~=1.48.0",
    "numpy==2.0.0": "Python>=3.9",
    "nvidia-nccl-cu13==2.20.5": "Python>=3",
}


@cache
def spec_of(name: str) -> ImageSpec:
    return next(spec for spec in CELLS if cell(spec) == name)


def judged(name: str, **versions: str) -> list[Conflict]:
    """The findings for a cell of ours with other pins."""
    spec = spec_of(name)
    wanted = {key.replace("_", "-"): value for key, value in versions.items()}
    kept = [pin for pin in spec.pins if pin.name not in wanted]
    pins = [*kept, *(Pin(name=key, value=value, probe="python-distribution") for key, value in wanted.items())]
    lock = Lock(
        closures=LOCK.closures, requirements={**LOCK.requirements, **{k: from_line(v) for k, v in MORE.items()}}
    )
    return list(of(conflicts([replace(spec, pins=tuple(pins))], lock, RULES), "error"))


def test_our_matrix_has_no_conflict_and_one_warning() -> None:
    found = conflicts(CELLS, LOCK, RULES)
    assert not list(of(found, "error"))
    (warning,) = of(found, "warning")
    assert "horovod/horovod#2051" in str(warning)
    assert warning.cells[0] == "pytorch/1.6.0-cpu-ubuntu16.04"
    assert len(warning.cells) == 4
    noted = {kind: {name for note in of(found, "note") if kind in str(note) for name in note.cells} for kind in NOTES}
    assert noted == {
        "bundles CUDA": {f"pytorch/{one}-gpu-ubuntu16.04" for one in ("1.0.0", "1.1.0", "1.3.1", "1.5.0", "1.6.0")},
        "a container starts on driver": {f"pytorch/{one}-gpu-ubuntu16.04" for one in ("1.3.1", "1.5.0", "1.6.0")},
        "-include stdexcept": {cell(one) for one in CELLS if one.pin("horovod") and one.platform.name == "debian12"},
    }
    assert all(any(kind in str(note) for kind in NOTES) for note in of(found, "note"))


def test_documented_rows_are_refused_exactly_where_pip_refuses_them() -> None:
    documented = [as_documented(spec) for spec in CELLS if spec.framework == "pytorch" and spec.version < "2"]
    found = conflicts(documented, LOCK, RULES)
    pip = [one for one in of(found, "error") if "cannot be installed together" in one.clash.what]
    assert {name.split("-")[0]: one.works for one in pip for name in one.cells} == {
        "pytorch/1.0.0": "torchvision 0.2.1",
        "pytorch/1.1.0": "torchvision 0.3.0",
        "pytorch/1.2.0": "torchvision 0.4.0",
        "pytorch/1.3.1": "torchvision 0.4.2",
        "pytorch/1.5.0": "torchvision 0.6.0",
        "pytorch/1.6.0": "torchvision 0.7.0",
    }
    assert all(one.clash.names == ("torchvision", "torch") and len(one.cells) == 4 for one in pip)
    assert list(accepted(documented, found)) == ["pytorch 1.4.0"]
    others = [one for one in of(found, "error") if one not in pip]
    assert [one.works for one in others] == ["tensorboard 1.15.0"]


def test_a_finding_names_the_row_both_rules_and_what_works() -> None:
    (found,) = judged("pytorch/1.6.0-gpu-ubuntu16.04", torchvision="0.5.0")
    assert str(found) == (
        "matrix.yaml: pytorch/1.6.0-gpu-ubuntu16.04: torchvision 0.5.0 and torch 1.6.0 cannot be installed together\n"
        "  torchvision 0.5.0 requires torch==1.4.0   (wheel metadata)\n"
        "  the row pins torch 1.6.0                  (matrix.yaml)\n"
        "  nearest that works: torchvision 0.7.0"
    )


@pytest.mark.parametrize(
    ("name", "versions", "what", "source", "works"),
    [
        ("pytorch/1.5.0-cpu-debian12", {"torchvision": "0.5.0"}, "torchvision 0.5.0 requires torch==1.4.0", "wheel metadata", "torchvision 0.6.0"),
        ("pytorch/1.2.0-cpu-debian12", {"torchvision": "0.4.2"}, "torchvision 0.4.2 requires torch==1.3.1", "wheel metadata", "torchvision 0.4.0"),
        ("pytorch/1.1.0-cpu-debian12", {"pillow": "8.4.0"}, "which Pillow 7 removed", "pytorch/vision#1712", "pillow 6.2.2"),
        ("pytorch/1.6.0-cpu-debian12", {"tensorboard": "1.14.0"}, "refuses a tensorboard before 1.15", "torch/utils/tensorboard", "tensorboard 1.15.0"),
        ("pytorch/1.4.0-cpu-debian12", {"tensorboard": "1.13.1"}, "refuses a tensorboard before 1.14", "torch/utils/tensorboard", "tensorboard 1.14.0"),
        ("pytorch/1.5.0-gpu-ubuntu16.04", {"horovod": "0.18.1"}, "need C++14", "horovod/horovod#1565", "horovod 0.19.1"),
        ("pytorch/2.13.0-gpu-debian12", {"nvidia-nccl-cu13": "2.20.5"}, "torch 2.13.0 requires nvidia-nccl-cu13==", "wheel metadata", "nvidia-nccl-cu13 2.29.7"),
        ("pytorch/2.13.0-gpu-debian12", {"torchvision": "0.27.1"}, "torchvision 0.27.1 requires torch==2.12.1", "wheel metadata", "torchvision 0.28.0"),
        ("pytorch/1.4.0-cpu-debian12", {"azureml-defaults": "1.48.0"}, "needs Python 3.7", "azureml-core 1.48.0", "azureml-defaults 1.47.0"),
        ("pytorch/1.4.0-cpu-ubuntu16.04", {"numpy": "2.0.0"}, "numpy 2.0.0 requires Python >=3.9", "wheel metadata", "numpy 1.19.5"),
        ("pytorch/1.4.0-gpu-ubuntu16.04", {"torchvision": "0.5.0+cu100"}, "are not built for the same CUDA", "matrix.yaml", "torchvision 0.5.0"),
        ("scikit-learn/1.9.1-cpu-debian12", {"numpy": "1.19.5"}, "requires numpy>=", "wheel metadata", "numpy 2.0.0"),
    ],
)  # fmt: skip
def test_a_mismatch_of_the_world_is_found(
    name: str, versions: dict[str, str], what: str, source: str, works: str
) -> None:
    found = [one for one in judged(name, **versions) if what in str(one)]
    assert found, [str(one) for one in judged(name, **versions)]
    assert f"({source}" in str(found[0]) or source in str(found[0])
    assert found[0].works == works


@pytest.mark.parametrize(
    ("name", "package", "file"),
    [
        ("pytorch/1.4.0-cpu-ubuntu16.04", "bcrypt", "bcrypt-4.0.1-cp36-abi3-manylinux_2_28_x86_64.whl"),
        ("pytorch/1.4.0-cpu-ubuntu16.04", "cffi", "cffi-1.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        ("pytorch/2.13.0-cpu-debian12", "numpy", "numpy-2.4.6-cp311-cp311-manylinux_2_27_aarch64.whl"),
    ],
)  # fmt: skip
def test_a_wheel_that_does_not_fit_is_found(name: str, package: str, file: str) -> None:
    row = row_of(spec_of(name), LOCK)
    version = row.distributions[package].version
    other = Row(
        spec=row.spec,
        distributions={**row.distributions, package: Found(version=version, file=file, pinned=False)},
    )
    (found,) = (one for one in clashes(other, Requirements(LOCK.requirements), RULES) if one.severity == "error")
    assert f"the wheel of {package} {version} does not fit" in found.what
    assert file in found.rules[0][0]


def test_a_broadcast_by_nccl_needs_a_newer_horovod() -> None:
    spec = replace(spec_of("pytorch/1.4.0-gpu-debian12"), environment=(("HOROVOD_GPU_BROADCAST", "NCCL"),))
    (found,) = of(conflicts([spec], LOCK, RULES), "error")
    assert "aborts on a broadcast by NCCL" in str(found)


def test_another_cuda_in_the_image_is_an_error_where_the_row_does_not_say_why() -> None:
    spec = spec_of("pytorch/1.6.0-gpu-ubuntu16.04")
    silent = tuple(replace(pin, reason=None) if pin.name == "torch-cuda" else pin for pin in spec.pins)
    (found,) = of(conflicts([replace(spec, pins=silent)], LOCK, RULES), "error")
    assert "bundles CUDA 10.2, the image has CUDA 10.1.243" in str(found)


def test_a_cell_for_cpu_with_packages_of_cuda_is_a_conflict_where_the_row_does_not_say_why() -> None:
    """The index's own torch 2 brings them, and pip installs it without a word."""
    spec, gpu = spec_of("pytorch/2.13.0-cpu-debian12"), spec_of("pytorch/2.13.0-gpu-debian12")
    lock = replace(LOCK, closures={**LOCK.closures, cell(spec): LOCK.closures[cell(gpu)]})
    (found,) = (one for one in of(conflicts([spec], lock, RULES), "error") if "for CPU" in str(one))
    assert "packages of CUDA, such as" in str(found)
    because = [replace(pin, reason="one image for both") if pin.name == "torch" else pin for pin in spec.pins]
    judged_again = conflicts([replace(spec, pins=tuple(because))], lock, RULES)
    assert [one.severity for one in judged_again if "for CPU" in str(one)] == ["note"]


def test_every_gpu_row_has_a_known_driver() -> None:
    cudas = {(spec.pin("torch-cuda") or spec.pin("cuda")) for spec in CELLS if spec.device == "gpu"}
    assert all(pin and RULES.driver(pin.value) for pin in cudas)


def test_a_container_that_starts_on_too_old_a_driver_is_noted() -> None:
    found = conflicts([spec_of("pytorch/1.6.0-gpu-ubuntu16.04")], LOCK, RULES)
    (note,) = (one for one in found if "driver" in one.clash.what)
    assert str(note).splitlines()[1:] == [
        "  CUDA 10.2 needs driver 440.33, CUDA 10.1 needs 418.39   (https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/)",
        "  NVIDIA_REQUIRE_CUDA asks for cuda>=10.1                 (matrix.yaml)",
    ]


def test_an_old_compiler_is_refused_where_horovod_meets_newer_headers() -> None:
    spec = spec_of("pytorch/1.4.0-cpu-ubuntu16.04")
    old = replace(RULES, compilers={"ubuntu 16.04": "4.9.4"})
    (found,) = of(conflicts([spec], LOCK, old), "error")
    assert "refuse a gcc before 5" in str(found)
    assert "the row has gcc 4.9.4" in str(found)


@pytest.mark.parametrize(
    ("python", "limit", "fits"),
    [("3.11", ">=3.11.1", True), ("3.11", "!=3.11.0", True), ("3.11.0", ">=3.11.1", False), ("3.11", ">=3.12", False)],
)
def test_a_python_without_a_last_part_is_any_release_of_it(python: str, limit: str, *, fits: bool) -> None:
    spec = spec_of("scikit-learn/1.9.1-cpu-debian12")
    pins = tuple(replace(pin, value=python) if pin.name == "python" else pin for pin in spec.pins)
    row = row_of(replace(spec, pins=pins), LOCK)
    own = {**LOCK.requirements, "joblib==1.6.0": from_line(f"Python{limit}")}
    found = [one for one in clashes(row, Requirements(own), RULES) if "does not support Python" in one.what]
    assert bool(found) is not fits


def test_a_pin_whose_exact_dependency_is_not_pinned_is_found() -> None:
    """The lists as they were: apt takes the newest libnccl2, and then cannot install the pinned libnccl-dev."""
    spec = spec_of("pytorch/1.6.0-gpu-ubuntu16.04")
    build = tuple(name for name in spec.packages.build if not name.startswith(("libnccl2", "libcublas10")))
    found = list(of(conflicts([replace(spec, packages=replace(spec.packages, build=build))], LOCK, RULES), "error"))
    assert [one.works for one in found] == ["libnccl2 2.4.8-1+cuda10.1", "libcublas10 10.2.1.243-1"]
    assert "apt cannot install libnccl-dev=2.4.8-1+cuda10.1 beside another libnccl2" in str(found[0])
