"""Selects the cells that the flags ask for. An error says what was close when no cell matches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch

from builder.errors import InputError
from builder.matrix.load import Matrix
from builder.matrix.names import cell
from builder.matrix.spec import EVERY_PLATFORM, Device, ImageSpec
from builder.matrix.version import is_final, matches, order
from builder.matrix.yaml_positions import near


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selecting flags of the command line. `platform` and `exclude` select nothing by themselves."""

    framework: str | None = None
    versions: tuple[str, ...] = ()
    device: Device | None = None
    platform: str | None = None
    """None: the default platform of each release. `any`: every platform."""
    everything: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no flag says which releases are wanted."""
        return not (self.framework or self.versions or self.device or self.everything or self.only)

    @property
    def is_broad(self) -> bool:
        """Whether every release is wanted, rather than the default version alone."""
        return self.is_empty or self.everything or bool(self.only)


def select(matrix: Matrix, wanted: Selection) -> tuple[ImageSpec, ...]:
    """The wanted cells in the matrix' order; raises InputError when there are none.

    An empty selection means the same as `--all`. `--framework` or a device alone means the default version.
    """
    assert_framework(matrix, wanted)
    candidates = [spec for spec in matrix.cells if in_framework(spec, matrix, wanted)]
    candidates = [spec for spec in by_version(candidates, matrix, wanted) if on_platform(spec, wanted)]
    found = [spec for spec in candidates if wanted.device in (None, spec.device)]
    found = [spec for spec in found if not wanted.only or any(globbed(spec, glob) for glob in wanted.only)]
    found = [spec for spec in found if not any(globbed(spec, glob) for glob in wanted.exclude)]
    if not found:
        raise nothing(matrix, candidates, wanted)
    return tuple(found)


def on_other_platforms(matrix: Matrix, wanted: Selection) -> int:
    """How many more cells the same flags select with `--all-platforms`; 0 when they name a platform."""
    if wanted.platform is not None:
        return 0
    return len(select(matrix, replace(wanted, platform=EVERY_PLATFORM))) - len(select(matrix, wanted))


def assert_selected(matrix: Matrix, wanted: Selection) -> None:
    """Raise InputError for an empty selection. For example, `build` builds only what somebody chose."""
    if wanted.is_empty:
        raise InputError(
            f"nothing is selected, and the matrix has {len(matrix.cells)} images",
            hint=f"--version {newest(matrix)} --cpu, --only GLOB, or --all",
        )


def assert_framework(matrix: Matrix, wanted: Selection) -> None:
    """Raise InputError for a framework that the matrix does not have."""
    known = sorted({spec.framework for spec in matrix.cells})
    if wanted.framework and wanted.framework not in known:
        what = f"{wanted.framework}: no such framework{near(wanted.framework, known)}: there are {', '.join(known)}"
        raise InputError(what, hint="python -m builder list")


def in_framework(spec: ImageSpec, matrix: Matrix, wanted: Selection) -> bool:
    """Whether the cell is of the wanted framework. A version alone means one of the default framework."""
    if wanted.framework:
        return spec.framework == wanted.framework
    return (wanted.is_broad and not wanted.versions) or spec.framework == matrix.default_framework


def by_version(candidates: Sequence[ImageSpec], matrix: Matrix, wanted: Selection) -> list[ImageSpec]:
    """The candidates of the wanted versions; raises InputError for a version that does not exist."""
    if not wanted.versions:
        return [spec for spec in candidates if wanted.is_broad or spec.is_default_version]
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


def on_platform(spec: ImageSpec, wanted: Selection) -> bool:
    """Whether the cell is on the platform of `--platform` or of a glob, else on its default platform."""
    if wanted.platform is None:
        return spec.is_default_platform or any(names_platform(glob, spec) for glob in wanted.only)
    return wanted.platform in (EVERY_PLATFORM, spec.platform.name)


def names_platform(glob: str, spec: ImageSpec) -> bool:
    """Whether the glob needs the platform to match the cell. `*-debian12` does, `1.6*-gpu-*` does not."""
    cut = cell(spec).removesuffix(spec.platform.name)
    return globbed(spec, glob) and not named(cut, glob)


def globbed(spec: ImageSpec, glob: str) -> bool:
    """Whether the glob matches the cell's name, with or without its framework."""
    return named(cell(spec), glob)


def named(name: str, glob: str) -> bool:
    return fnmatch(name, glob) or fnmatch(name.partition("/")[2], glob)


def newest(matrix: Matrix) -> str:
    """The newest version of the default framework, for hints."""
    versions = (spec.version for spec in matrix.cells if spec.framework == matrix.default_framework)
    return max(versions, key=lambda version: (is_final(version), order(version)))


def nothing(matrix: Matrix, candidates: Iterable[ImageSpec], wanted: Selection) -> InputError:
    """An error that says which part of the selection left nothing, and what there is."""
    names = [cell(spec) for spec in matrix.cells]
    candidates = list(candidates)
    if wanted.only:
        close = "".join(near(glob, [*names, *(name.partition("/")[2] for name in names)]) for glob in wanted.only)
        what = f"--only {' '.join(wanted.only)}: matches no image{close}"
    elif wanted.platform and not candidates:
        known = sorted({spec.platform.name for spec in matrix.cells})
        close = near(wanted.platform, known)
        what = f"{wanted.platform}: no selected release is on that platform{close}: there are {', '.join(known)}"
    else:
        devices = sorted({spec.device for spec in candidates})
        what = f"no image for that selection: there are only {', '.join(devices) or 'no'} images"
    return InputError(what, hint="python -m builder list --all-platforms")
