"""What most verbs start with: the matrix, the selected cells, their locked closures, and the site."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from builder.commands.flags.build import BuildOptions
from builder.commands.options import Options, taken
from builder.dependencies.lockfile import NAME, Lock, load_from, pin_all
from builder.errors import InputError
from builder.host.files import unreadable
from builder.host.site import Site, preferred
from builder.host.site_discovery import load_site
from builder.matrix.load import Matrix
from builder.matrix.load import load as load_matrix
from builder.matrix.selection import Selection, assert_selected, on_other_platforms, select
from builder.matrix.spec import EVERY_PLATFORM, ImageSpec, PinnedImage


def matrix_of(options: Options) -> Matrix:
    """The matrix as this site prefers it; raises InputError."""
    wanted = preferred(options.site, os.environ)
    if wanted.platform:
        print(f"this site prefers the platform {wanted.platform}", file=sys.stderr)
    if wanted.cpu_wheels:
        print("this site has an index with CPU wheels: cells for CPU get them", file=sys.stderr)
    return load_matrix(options.matrix, wanted)


def matrix_and_cells(options: Options) -> tuple[Matrix, tuple[ImageSpec, ...]]:
    """The matrix and the selected cells; raises InputError. Stderr names the default version where that is meant."""
    matrix = matrix_of(options)
    cells = cells_of(matrix, options)
    if options.every_platform and options.platform not in (None, EVERY_PLATFORM):
        print(f"{options.verb} takes every platform: --platform {options.platform} has no effect", file=sys.stderr)
    wanted = selection(options)
    if not (wanted.is_broad or wanted.versions):
        version = matrix.default_versions[cells[0].framework]
        print(f"no --version: the default, {version}; --all for every release", file=sys.stderr)
    return matrix, cells


def cells_of(matrix: Matrix, options: Options) -> tuple[ImageSpec, ...]:
    """The selected cells: the same flags select the same cells for every verb. Raises InputError for none.

    A verb that acts also raises InputError when nothing is selected.
    """
    wanted = selection(options)
    if options.must_select:
        assert_selected(matrix, wanted)
    return select(matrix, wanted)


def lock_if_any(options: Options) -> Lock:
    """The lock, empty where there is none; raises InputError when it is damaged."""
    return load_from(root(options)) if (root(options) / NAME).exists() else Lock(closures={})


def say_what_is_hidden(matrix: Matrix, options: Options) -> None:
    """Say on stderr how many more cells the same flags select on other platforms."""
    if more := on_other_platforms(matrix, selection(options)):
        print(f"{more} more cells on other platforms: --all-platforms shows them", file=sys.stderr)


def site_of(options: Options) -> Site:
    """The site, with what the command line says of registries; raises InputError."""
    return load_site(options.site, insecure=options.insecure_registries, registry_seconds=options.registry_seconds)


def build_site(options: BuildOptions) -> Site:
    """The site of a build, with the directory that `--wheelhouse` names.

    Raises InputError when there is no such directory, and for `--push` without a registry.
    """
    if options.push and not options.registries:
        raise InputError("--push: where to?", hint="python -m builder build --push --registry HOST[/PREFIX]")
    site = site_of(options)
    if options.wheelhouse is None:
        return site
    if why := unreadable(options.wheelhouse, "directory"):
        from builder.dependencies import wheelhouse  # it imports what asks an index

        hint = f"{wheelhouse.FETCH} {options.wheelhouse}"
        raise InputError(f"--wheelhouse {options.wheelhouse}: {why}", hint=hint)
    return replace(site, wheelhouse=options.wheelhouse.absolute())


def selection(options: Options) -> Selection:
    """The selecting flags. A verb that takes every platform ignores `--platform`."""
    platform = EVERY_PLATFORM if options.every_platform else options.platform
    return taken(Selection, options, everything=options.all, platform=platform)


def root(options: Options) -> Path:
    """The directory of the matrix, which also holds templates/, images/ and builder.lock."""
    return options.matrix.parent


def pinned(options: Options, cells: tuple[ImageSpec, ...]) -> tuple[PinnedImage, ...]:
    """The cells with their closures from builder.lock; raises StaleError."""
    return pin_all(cells, load_from(root(options)))
