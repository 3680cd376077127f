"""How OCI calls the architecture of this machine."""

import platform

OCI_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """The architecture of this machine, by its name in OCI, for example `amd64`."""
    machine = platform.machine()
    return OCI_NAMES.get(machine, machine)
