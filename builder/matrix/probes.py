"""Probes read the version of a pin inside an image: a constant command, and a reader of what it prints.

The commands hold no values, so nothing from a matrix reaches a shell; their arguments pick from the output.
One command answers for many pins: a run of the checks caches each output.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from builder.errors import InputError
from builder.matrix.version import matches

PROBE = re.compile(r"[a-z][a-z0-9-]{0,40}(:[A-Za-z0-9][A-Za-z0-9.+-]{0,60})?")
"""A probe as the matrix writes it: `KIND`, or `KIND:ARGUMENT`."""
PYTHON = "/opt/env/bin/python"
"""The image's own interpreter: the first on its PATH (`test_image` checks that)."""

LIST_DISTRIBUTIONS = (
    PYTHON
    + r""" -c '
import json, sys
found = {}
try:
    from importlib.metadata import distributions
    every = [(one.metadata["Name"], one.version) for one in distributions()]
except ImportError:  # Python 3.6 and 3.7
    import pkg_resources
    every = [(one.project_name, one.version) for path in sys.path for one in pkg_resources.find_distributions(path)]
for name, version in every:
    if name and version not in found.setdefault(name, []):
        found[name].append(version)
json.dump(found, sys.stdout)
'"""
)

# None of these three needs a GPU: they report what the loaded libraries say of themselves.
ASK_TORCH = (
    PYTHON
    + r""" -c '
import json, sys, torch
facts = {"torch-cuda": torch.version.cuda}
if torch.version.cuda:
    import torch.cuda.nccl
    facts["torch-cudnn"] = torch.backends.cudnn.version()
    facts["torch-nccl"] = torch.cuda.nccl.version()
json.dump(facts, sys.stdout)
'"""
)

PRINT_PYTHON = PYTHON + """ -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])'"""
LIST_PACKAGES = r"dpkg-query --show --showformat '${db:Status-Status} ${Package} ${Version}\n'"
PRINT_OPENMPI = "ompi_info --version"
PRINT_GIT = "git --version"
PRINT_MINICONDA = "/opt/miniconda/bin/conda --version"
LIST_CONDA = "ls /opt/env/conda-meta"
CONDA_BESIDE = "/opt/conda"
"""Where `derive` puts conda's packages in an image whose own environment is not conda's."""
LIST_CONDA_EVERYWHERE = f"ls /opt/env/conda-meta {CONDA_BESIDE}/conda-meta 2>/dev/null; true"
PRINT_OS = "cat /etc/os-release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of probe. `read` takes the command's output and the probe's argument, and gives the version, or ""."""

    command: str
    read: Callable[[str, str], str]
    argument: Literal["none", "required", "defaults to the pin's name"] = "none"
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A probe bound to its pin. With `exact` the texts must be equal; without it 1.6 agrees with 1.6.0."""

    pin: str
    text: str
    command: str
    argument: str
    read: Callable[[str, str], str]
    exact: bool

    def measure(self, output: str) -> str:
        """The version that the command's output tells, or "" when it tells none."""
        return self.read(output.strip(), self.argument) if output.strip() else ""

    def agrees(self, wanted: str, measured: str) -> bool:
        """Whether the image holds what the row says."""
        return wanted == measured if self.exact else matches(wanted, measured)


def bind(pin: str, probe: str) -> Probe:
    """The probe written as `KIND` or `KIND:ARGUMENT`; raises InputError when there is none such."""
    if wrong := problem(pin, probe):
        raise InputError(wrong)
    name, _, argument = probe.partition(":")
    kind = KINDS[name]
    return Probe(pin=pin, text=probe, command=kind.command, argument=argument or pin, read=kind.read, exact=kind.exact)


def problem(pin: str, probe: str) -> str | None:
    """Why `probe` cannot read `pin`, or None. `validate` asks this before anything is built."""
    name, colon, argument = probe.partition(":")
    if not name:
        return f"{pin}: no probe reads this pin: a pin that nothing asserts is an error"
    if name not in KINDS:
        return f"{pin}: no probe is called {name!r}: there are {', '.join(sorted(KINDS))}"
    if KINDS[name].argument == "none" and colon:
        return f"{pin}: the probe {name} takes no argument, found {argument!r}"
    if (KINDS[name].argument == "required" and not argument) or (colon and not argument):
        return f"{pin}: the probe {name} needs an argument: {name}:NAME"
    return None


def last_line(output: str) -> dict[str, Any]:
    """The JSON in the last line. An imported library may have printed lines before it."""
    return dict(json.loads(output.splitlines()[-1]))


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution(output: str, name: str) -> str:
    """The version of a distribution; `1.0 and 2.0` when two are installed."""
    listed = last_line(output).items()
    return " and ".join(one for key, versions in listed if normalised(key) == normalised(name) for one in versions)


def torch_cuda(output: str, _: str) -> str:
    return last_line(output)["torch-cuda"] or ""


def torch_cudnn(output: str, _: str) -> str:
    """cudnn.h: MAJOR*1000 + MINOR*100 + PATCHLEVEL, and since cuDNN 9 MAJOR*10000 + MINOR*100 + PATCHLEVEL."""
    code = last_line(output).get("torch-cudnn") or 0
    return dotted(code, 10_000 if code >= 90_000 else 1_000)  # noqa: PLR2004 (cuDNN 9)


def torch_nccl(output: str, _: str) -> str:
    """nccl.h: MAJOR*1000 + MINOR*100 + PATCH, and since NCCL 2.9 MAJOR*10000; newer torch gives a tuple."""
    found = last_line(output).get("torch-nccl") or 0
    if isinstance(found, list):
        return ".".join(str(part) for part in found)
    return dotted(found, 10_000 if found >= 10_000 else 1_000)  # noqa: PLR2004 (NCCL 2.9)


def dotted(code: int, major: int) -> str:
    """`dotted(7603, 1000)` is `7.6.3`; "" for 0, a library that is not there."""
    return f"{code // major}.{code % major // 100}.{code % 100}" if code else ""


def package(output: str, name: str) -> str:
    """The upstream version of a Debian package, without epoch and revision (deb-version(7))."""
    for line in output.splitlines():
        status, _, rest = line.partition(" ")
        found, _, version = rest.partition(" ")
        if status == "installed" and found == name:
            upstream = version.split(":", 1)[-1]
            return upstream.rpartition("-")[0] or upstream
    return ""


def conda_package(output: str, name: str) -> str:
    """The version of a conda package, from the name of its record: `NAME-VERSION-BUILD.json`."""
    records = [line.removesuffix(".json").rsplit("-", 2) for line in output.split() if line.endswith(".json")]
    return next((version for found, version, _ in (one for one in records if len(one) == 3) if found == name), "")  # noqa: PLR2004


def os_version(output: str, _: str) -> str:
    return os_release(output).get("VERSION_ID", "")


def os_release(output: str) -> Mapping[str, str]:
    """The assignments of /etc/os-release."""
    pairs = (line.split("=", 1) for line in output.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, value in pairs}


def first_version(output: str, _: str) -> str:
    """The first dotted number a program prints."""
    found = re.search(r"[0-9]+(\.[0-9]+)+", output)
    return found.group() if found else ""


KINDS: Mapping[str, Kind] = {
    "python-distribution": Kind(
        command=LIST_DISTRIBUTIONS, read=distribution, argument="defaults to the pin's name", exact=True
    ),
    "python": Kind(command=PRINT_PYTHON, read=first_version),
    "torch-cuda": Kind(command=ASK_TORCH, read=torch_cuda),
    "torch-cudnn": Kind(command=ASK_TORCH, read=torch_cudnn),
    "torch-nccl": Kind(command=ASK_TORCH, read=torch_nccl),
    "dpkg": Kind(command=LIST_PACKAGES, read=package, argument="required"),
    "openmpi": Kind(command=PRINT_OPENMPI, read=first_version),
    "git": Kind(command=PRINT_GIT, read=first_version),
    "conda": Kind(command=LIST_CONDA, read=conda_package, argument="required"),
    "miniconda": Kind(command=PRINT_MINICONDA, read=first_version),
    "os-release": Kind(command=PRINT_OS, read=os_version),
}
