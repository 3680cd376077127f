"""Which cells a person asked for; a selection that matches nothing says what was close."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from builder.errors import InputError
from builder.matrix.load import Matrix
from builder.matrix.names import cell
from builder.matrix.spec import Device, ImageSpec
from builder.matrix.version import is_final, matches, order
from builder.matrix.yaml_positions import near

ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selecting flags of the command line."""

    framework: str | None = None
    versions: tuple[str, ...] = ()
    device: Device | None = None
    platform: str | None = None
    everything: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was asked for."""
        return not (self.framework or self.versions or self.device or self.platform or self.everything or self.only)


def select(matrix: Matrix, wanted: Selection, *, listing: bool = False) -> tuple[ImageSpec, ...]:
    """The wanted cells in the matrix' order; raises InputError when there are none.

    Without `--version`, one framework means its default version; `listing` and `--all` mean every row.
    """
    if wanted.is_empty and not listing:
        raise InputError(
            f"nothing is selected, and the matrix has {len(matrix.cells)} images",
            hint=f"--version {newest(matrix)} --cpu, --only GLOB, or --all",
        )
    broad = listing or wanted.everything or bool(wanted.only)
    candidates = [spec for spec in matrix.cells if in_framework(spec, matrix, wanted, broad=broad)]
    candidates = by_version(candidates, matrix, wanted, broad=broad)
    candidates = by_platform(candidates, wanted, broad=listing or bool(wanted.only))
    found = [spec for spec in candidates if wanted.device in (None, spec.device)]
    found = [spec for spec in found if not wanted.only or any(globbed(spec, glob) for glob in wanted.only)]
    found = [spec for spec in found if not any(globbed(spec, glob) for glob in wanted.exclude)]
    if not found:
        raise nothing(matrix, candidates, wanted)
    return tuple(found)


def in_framework(spec: ImageSpec, matrix: Matrix, wanted: Selection, *, broad: bool) -> bool:
    if wanted.framework:
        return spec.framework == wanted.framework
    return (broad and not wanted.versions) or spec.framework == matrix.default_framework


def by_version(candidates: Sequence[ImageSpec], matrix: Matrix, wanted: Selection, *, broad: bool) -> list[ImageSpec]:
    """The candidates of the wanted versions; each version must exist."""
    if not wanted.versions:
        return [spec for spec in candidates if broad or spec.is_default_version]
    framework = wanted.framework or matrix.default_framework
    exist = sorted({spec.version for spec in candidates}, key=order)
    missing = [version for version in wanted.versions if not any(matches(version, known) for known in exist)]
    if missing:
        raise InputError(
            [
                f"{framework} {version}: no such version{near(version, exist)}: there are {', '.join(exist)}"
                for version in missing
            ],
            hint="python -m builder list",
        )
    return [spec for spec in candidates if any(matches(version, spec.version) for version in wanted.versions)]


def by_platform(candidates: Sequence[ImageSpec], wanted: Selection, *, broad: bool) -> list[ImageSpec]:
    """The candidates on the wanted platform: their default one when none is named."""
    if wanted.platform is None:
        return [spec for spec in candidates if broad or spec.is_default_platform]
    return [spec for spec in candidates if wanted.platform in (ANY, spec.platform.name)]


def globbed(spec: ImageSpec, glob: str) -> bool:
    """Whether a glob names the cell, with or without its framework."""
    name = cell(spec)
    return fnmatch(name, glob) or fnmatch(name.partition("/")[2], glob)


def newest(matrix: Matrix) -> str:
    """The newest version of the default framework, for hints."""
    versions = (spec.version for spec in matrix.cells if spec.framework == matrix.default_framework)
    return max(versions, key=lambda version: (is_final(version), order(version)))


def nothing(matrix: Matrix, candidates: Iterable[ImageSpec], wanted: Selection) -> InputError:
    """An error that says which part of the selection left nothing, and what there is."""
    names = [cell(spec) for spec in matrix.cells]
    candidates = list(candidates)
    if wanted.framework and not any(spec.framework == wanted.framework for spec in matrix.cells):
        known = sorted({spec.framework for spec in matrix.cells})
        what = f"{wanted.framework}: no such framework{near(wanted.framework, known)}: there are {', '.join(known)}"
    elif wanted.only:
        close = "".join(near(glob, [*names, *(name.partition("/")[2] for name in names)]) for glob in wanted.only)
        what = f"--only {' '.join(wanted.only)}: matches no image{close}"
    elif wanted.platform and not candidates:
        known = sorted({spec.platform.name for spec in matrix.cells})
        close = near(wanted.platform, known)
        what = f"{wanted.platform}: no selected release is on that platform{close}: there are {', '.join(known)}"
    else:
        devices = sorted({spec.device for spec in candidates})
        what = f"no image for that selection: the rows exist for {', '.join(devices) or 'nothing'} only"
    return InputError(what, hint="python -m builder list")
