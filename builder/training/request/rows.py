"""Finds the row of the matrix that an estimator means, and the backends of its image."""

import os
from functools import cache
from pathlib import Path

from builder.errors import InputError
from builder.host.site import preferred
from builder.matrix.load import Matrix, Preferred
from builder.matrix.load import load as load_matrix
from builder.matrix.spec import Device, ImageSpec
from builder.matrix.version import is_final, matches, order, short
from builder.matrix.yaml_positions import near
from builder.training.request.argument_types import Problems
from builder.training.request.distribution import Backend

BUNDLED = Path(__file__).parents[3] / "matrix.yaml"


def default_file() -> Path:
    """The matrix of the current directory, else the one beside the package."""
    here = Path("matrix.yaml")
    return here.resolve() if here.is_file() else BUNDLED


def matrix(file: Path | None = None, site: Path | None = None) -> Matrix:
    """The matrix with this site's default platform. Raises InputError."""
    return loaded(file or default_file(), preferred(site, os.environ))


@cache
def loaded(file: Path, wanted: Preferred) -> Matrix:
    return load_matrix(file, wanted)


def of_framework(found: Matrix, framework: str, platform: str | None) -> tuple[ImageSpec, ...]:
    """The framework's rows on that platform, or each on its default platform. Raises InputError for unknown names."""
    rows = [spec for spec in found.cells if spec.framework == framework]
    if not rows:
        known = sorted(found.default_versions)
        raise InputError(
            f"{framework}: no such framework{near(framework, known)}: there are {', '.join(known)}",
            hint="python -m builder list",
        )
    chosen = [s for s in rows if (s.platform.name == platform if platform else s.is_default_platform)]
    if not chosen:
        names = sorted({spec.platform.name for spec in rows})
        raise InputError(f"{framework} has no row on {platform}: there are {', '.join(names)}")
    return tuple(chosen)


def versions(rows: tuple[ImageSpec, ...]) -> list[str]:
    """The versions that may be asked for, oldest first, each as a minor: `1.4` means 1.4.x."""
    return sorted({short(v, 2) if is_final(v) else v for v in (spec.version for spec in rows)}, key=order)


def row(rows: tuple[ImageSpec, ...], version: str, device: Device, problems: Problems) -> ImageSpec:
    """The newest row of that version and device. When there is none, a problem names what there is."""
    same = [spec for spec in rows if matches(version, spec.version)]
    if not same:
        known = versions(rows)
        problems.add("framework_version", f"no row for {version!r}{near(version, known)}: there are {', '.join(known)}")
        return rows[0]
    found = [spec for spec in same if spec.device == device]
    if not found:
        problems.add(f"use_gpu={device == 'gpu'}", f"{version} has a row for {same[0].device} only")
        return same[0]
    return max(found, key=lambda spec: order(spec.version))


def backends(spec: ImageSpec) -> tuple[Backend, ...]:
    """The backends in the row's image. Its pins tell them, not the name of its framework."""
    found: list[Backend] = []
    if spec.pin("openmpi"):
        found.append("mpi")
    if spec.pin("torch"):
        found += ["gloo", "nccl"] if spec.device == "gpu" else ["gloo"]
    return tuple(found)
