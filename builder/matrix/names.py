"""The only place that makes names: cells, directories, tags and labels."""

import re

from builder.matrix.spec import ImageSpec
from builder.matrix.version import components, short

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
"""What people may call a framework, a platform, a pin and the like."""
LABEL_ROW = "framework-images.row"
LABEL_FINGERPRINT = "framework-images.fingerprint"
LABEL_INPUTS = "framework-images.inputs"
LABEL_COMPONENTS = "framework-images.components"
LABEL_DERIVED = "framework-images.derived"
"""What somebody's own environment adds to the image it stands on."""
LABEL_HOST = "framework-images.host"
LABEL_OWNER = "framework-images.owner"
"""Host and process of each container we start: `clean` removes those whose process is gone, and nothing else."""


def cell(spec: ImageSpec) -> str:
    """The name people select by, for example `pytorch/1.6.0-gpu-debian12`."""
    return f"{spec.framework}/{spec.version}-{spec.device}-{spec.platform.name}"


def context(spec: ImageSpec) -> str:
    """The cell's build context, relative to the repository."""
    return f"images/{cell(spec)}"


def closure(spec: ImageSpec) -> str:
    """The cell's entry in `builder.lock`."""
    return cell(spec)


def immutable_tag(spec: ImageSpec, fingerprint: str) -> str:
    """The tag that names everything, for example `1.6.0-gpu-cuda10.1-cudnn7-py3.6-ubuntu16.04-0123abcd`."""
    parts = [spec.version, spec.device]
    if cuda := spec.pin("cuda"):
        parts.append(f"cuda{short(cuda.value, 2)}")
    if cudnn := spec.pin("cudnn"):
        parts.append(f"cudnn{short(cudnn.value, 1)}")
    if python := spec.pin("python"):
        parts.append(f"py{short(python.value, 2)}")
    return "-".join([*parts, spec.platform.name, fingerprint[:8]])


def rolling_tags(spec: ImageSpec) -> tuple[str, ...]:
    """The tags that move: each version prefix with the device, bare only on the default platform."""
    parts = components(spec.version)
    heads = [spec.version] if len(parts) < 3 else [f"{parts[0]}.{parts[1]}", spec.version]  # noqa: PLR2004 (a third part)
    if spec.is_latest:
        heads.append("latest")
    tags = [f"{head}-{spec.device}-{spec.platform.name}" for head in heads]
    if spec.is_default_platform:
        tags += [f"{head}-{spec.device}" for head in heads]
    return tuple(tags)
