"""What most verbs start with: the matrix, the selected cells, their lock and their rendered files."""

import os
import sys
from dataclasses import fields
from pathlib import Path

from builder.build.settings import Settings
from builder.commands.options import Options
from builder.dependencies.lockfile import load as load_lock
from builder.dependencies.lockfile import pin_all
from builder.host.site import Site, default_platform
from builder.host.site_discovery import load_site
from builder.matrix.load import Matrix
from builder.matrix.load import load as load_matrix
from builder.matrix.selection import Selection, select
from builder.matrix.spec import ImageSpec, PinnedImage


def matrix_and_cells(options: Options, *, listing: bool) -> tuple[Matrix, tuple[ImageSpec, ...]]:
    """The matrix as this site sees it, and the cells the flags select."""
    preferred = default_platform(options.site, os.environ)
    if preferred:
        print(f"this site prefers the platform {preferred}", file=sys.stderr)
    matrix = load_matrix(options.matrix, site_platform=preferred)
    return matrix, select(matrix, selection(options), listing=listing)


def site_of(options: Options) -> Site:
    """The site, with the insecure registries that the command line adds; raises InputError."""
    return load_site(options.site, insecure=options.insecure_registries)


def settings_of(options: Options) -> Settings:
    """What a build reads of these flags."""
    return Settings(**{one.name: getattr(options, one.name) for one in fields(Settings)})


def selection(options: Options) -> Selection:
    return Selection(
        framework=options.framework,
        versions=options.versions,
        device=options.device,
        platform=options.platform,
        everything=options.all,
        only=options.only,
        exclude=options.exclude,
    )


def root(options: Options) -> Path:
    """The directory that holds the matrix, and beside it templates/, images/ and builder.lock."""
    return options.matrix.parent


def pinned(options: Options, cells: tuple[ImageSpec, ...]) -> tuple[PinnedImage, ...]:
    """The cells with their closures from builder.lock; raises StaleError."""
    return pin_all(cells, load_lock(root(options) / "builder.lock"))
