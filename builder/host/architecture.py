"""How OCI calls the architecture of a machine."""

import platform

OCI_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def oci_name(machine: str) -> str:
    """The name in OCI of what the kernel calls `machine`, for example `amd64`."""
    return OCI_NAMES.get(machine, machine)


def architecture() -> str:
    """The architecture of this machine, by its name in OCI."""
    return oci_name(platform.machine())
