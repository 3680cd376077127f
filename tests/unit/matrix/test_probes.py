"""Probes: each reads the right version out of what the real programs print, and a wrong one is refused early."""

import json

import pytest

from builder.errors import InputError
from builder.matrix.probes import KINDS, bind, problem

TORCH_14 = {"torch-cuda": "10.1", "torch-cudnn": 7603, "torch-nccl": 2408}
TORCH_213 = {"torch-cuda": "13.0", "torch-cudnn": 92000, "torch-nccl": [2, 29, 7]}
TORCH_17 = {"torch-cuda": "11.0", "torch-cudnn": 8005, "torch-nccl": 21005}
TORCH_CPU = {"torch-cuda": None}
DPKG = """installed git 1:2.39.5-0+deb12u2
installed libcudnn7 7.6.3.30-1+cuda10.1
config-files vim 2:9.0
installed native 12
"""
OMPI_3 = "Open MPI v3.1.2\n\nhttp://www.open-mpi.org/community/help/\n"
OS_RELEASE = 'PRETTY_NAME="Ubuntu 16.04.7 LTS"\nID=ubuntu\nVERSION_ID="16.04"\n'
DISTRIBUTIONS = json.dumps({"torch": ["2.13.0+cpu"], "azureml_defaults": ["1.47.0"], "six": ["1.15.0", "1.16.0"]})
CONDA = "history\npython-3.6.2-h02fb82a_12.json\npython-dateutil-2.8.2-pyhd3eb1b0_0.json\n"

READINGS = [
    ("torch", "python-distribution", DISTRIBUTIONS, "2.13.0+cpu"),
    ("azureml-defaults", "python-distribution", DISTRIBUTIONS, "1.47.0"),
    ("pytorch", "python-distribution:torch", DISTRIBUTIONS, "2.13.0+cpu"),
    ("six", "python-distribution", DISTRIBUTIONS, "1.15.0 and 1.16.0"),
    ("joblib", "python-distribution", DISTRIBUTIONS, ""),
    ("python", "python", "3.6.15\n", "3.6.15"),
    ("cuda", "torch-cuda", json.dumps(TORCH_14), "10.1"),
    ("cudnn", "torch-cudnn", json.dumps(TORCH_14), "7.6.3"),
    ("nccl", "torch-nccl", json.dumps(TORCH_14), "2.4.8"),
    ("cudnn", "torch-cudnn", json.dumps(TORCH_17), "8.0.5"),
    ("nccl", "torch-nccl", json.dumps(TORCH_17), "2.10.5"),
    ("cudnn", "torch-cudnn", json.dumps(TORCH_213), "9.20.0"),
    ("nccl", "torch-nccl", json.dumps(TORCH_213), "2.29.7"),
    ("cuda", "torch-cuda", json.dumps(TORCH_CPU), ""),
    ("cudnn", "torch-cudnn", json.dumps(TORCH_CPU), ""),
    ("nccl", "torch-nccl", json.dumps(TORCH_CPU), ""),
    ("git", "dpkg:git", DPKG, "2.39.5"),
    ("cudnn", "dpkg:libcudnn7", DPKG, "7.6.3.30"),
    ("native", "dpkg:native", DPKG, "12"),
    ("vim", "dpkg:vim", DPKG, ""),
    ("openmpi", "openmpi", OMPI_3, "3.1.2"),
    ("git", "git", "git version 2.39.5\n", "2.39.5"),
    ("miniconda", "miniconda", "conda 4.5.11\n", "4.5.11"),
    ("python", "conda:python", CONDA, "3.6.2"),
    ("os", "os-release", OS_RELEASE, "16.04"),
]


@pytest.mark.parametrize(("pin", "probe", "output", "version"), READINGS)
def test_reading(pin: str, probe: str, output: str, version: str) -> None:
    assert bind(pin, probe).measure(output) == version


@pytest.mark.parametrize("probe", sorted(name for name, kind in KINDS.items() if kind.argument != "required"))
def test_no_output_reads_as_nothing(probe: str) -> None:
    assert not bind("x", probe).measure("")


def test_every_kind_has_a_reading() -> None:
    assert {probe.partition(":")[0] for _, probe, _, _ in READINGS} == set(KINDS)


def test_no_command_holds_a_value() -> None:
    """A matrix cannot reach a shell: a hostile argument changes nothing in the command."""
    assert bind("git", "dpkg:x; rm -rf /").command == KINDS["dpkg"].command


@pytest.mark.parametrize(
    ("probe", "wanted", "found", "agrees"),
    [
        ("python-distribution", "2.13.0+cpu", "2.13.0+cpu", True),
        ("python-distribution", "2.13.0", "2.13.0+cpu", False),
        ("python-distribution", "0.5", "0.5.0", False),
        ("torch-cuda", "10.1", "10.1.243", True),
        ("torch-cuda", "10.1", "10.10", False),
        ("python", "3.6", "", False),
    ],
)
def test_comparison(probe: str, wanted: str, found: str, agrees: bool) -> None:
    assert bind("x", probe).agrees(wanted, found) is agrees


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        ("", "no probe reads this pin"),
        ("pip-freeze", "no probe is called 'pip-freeze'"),
        ("dpkg", "needs an argument"),
        ("dpkg:", "needs an argument"),
        ("git:2", "takes no argument"),
    ],
)
def test_a_wrong_probe_is_refused(probe: str, words: str) -> None:
    assert words in str(problem("cudnn", probe))
    with pytest.raises(InputError, match=r"^cudnn: "):
        bind("cudnn", probe)
