"""The only place that makes the names of cells, directories and labels; tags are made in `tags`."""

import re
from collections.abc import Sequence
from typing import Protocol

from builder.matrix.spec import ImageSpec

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
"""What people may call a framework, a platform, a pin and the like."""
CPU_WHEELS = "+cpu"
"""The local version of PyTorch's wheels without CUDA, and the end of the names of what a site makes of them."""
LABEL_ROW = "framework-images.row"
LABEL_FINGERPRINT = "framework-images.fingerprint"
LABEL_INPUTS = "framework-images.inputs"
LABEL_COMPONENTS = "framework-images.components"
LABEL_DERIVED = "framework-images.derived"
"""What somebody's own environment adds to the image it stands on."""
LABEL_REHEARSAL = "framework-images.rehearsal"
"""Says in a sentence that the image was made with stand-ins for what others publish."""
LABEL_REHEARSED = "framework-images.rehearsed-inputs"
"""The committed inputs of the cell that such an image rehearses, as a hash."""
LABEL_LEAST_ENGINE = "framework-images.least-engine"
LEAST_DOCKER = 23
LEAST_ENGINE = f"Docker {LEAST_DOCKER}, containerd 1.5"
"""The first that unpack layers compressed with zstd: https://docs.docker.com/engine/release-notes/23.0/."""
LABEL_HOST = "framework-images.host"
LABEL_OWNER = "framework-images.owner"
"""Host and process of each container we start: `clean` removes those whose process is gone, and nothing else."""


def cell(spec: ImageSpec) -> str:
    """The name people select by, for example `pytorch/1.6.0-gpu-debian12`."""
    return f"{spec.framework}/{spec.version}-{spec.device}-{spec.platform.name}"


def first_and_more(cells: Sequence[str]) -> str:
    """Names of cells on one line of a table: `pytorch/1.6.0-gpu-debian12 and 3 more`."""
    more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
    return "".join(cells[:1]) + more


class OfRelease(Protocol):
    """What belongs to a release: a cell, or the promise of its image."""

    @property
    def framework(self) -> str: ...
    @property
    def version(self) -> str: ...


def release_of(found: OfRelease) -> str:
    """The release that a cell belongs to, on whatever device and platform: `pytorch 1.6.0`."""
    return f"{found.framework} {found.version}"


def context(spec: ImageSpec) -> str:
    """The cell's build context, relative to the repository."""
    return f"images/{closure(spec)}"


def closure(spec: ImageSpec) -> str:
    """The cell's entry in `builder.lock`, or in that of a site's CPU wheels."""
    return cell(spec) + (CPU_WHEELS if spec.cpu_wheels else "")
