"""Reads what an image holds: one container of its digest, one command in it, nothing but files that are there."""

from typing import TYPE_CHECKING

from builder.errors import VerifyError
from builder.verify import contents
from builder.verify.container import container
from builder.verify.contents import OS_RELEASE, STATUS, Contents

if TYPE_CHECKING:
    import docker

LIMIT = 256_000_000
"""An archive is cut here, and then refused: the records of a real image are a hundredth of it."""
COLLECT = rf"""
find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -type f \( \
    -path '*.dist-info/METADATA' -o -path '*.egg-info/PKG-INFO' -o -path '*/EGG-INFO/PKG-INFO' \
    -o -name '*.egg-info' -o -path '*/conda-meta/*.json' \) -print0 2>/dev/null \
| tar --create --dereference --absolute-names --no-recursion --ignore-failed-read \
    --null --files-from=- {OS_RELEASE} {STATUS} 2>/dev/null | head -c {LIMIT}
"""


def inventory(client: "docker.DockerClient", digest: str) -> Contents:
    """Everything that dpkg, conda and Python have installed in the image; raises VerifyError or EngineError."""
    from builder.verify.checks.backend import ShellBackend

    with container(client, digest) as identity:
        shell = ShellBackend(identity, user="0")
        try:
            archive = shell.run(COLLECT).stdout_bytes
        finally:
            shell.close()
    if not archive:
        raise VerifyError(f"{digest}: tar or find is missing in the image, so its packages cannot be listed")
    return contents.read(archive)
