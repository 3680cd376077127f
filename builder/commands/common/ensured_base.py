"""Finds the base of a platform, and makes what has to be made."""

from builder.build.bases import Base, ensure_base
from builder.build.toolchain import Say, ensure_toolchain
from builder.commands.common.prepare import BaseOf
from builder.host.cache import cache_directory
from builder.host.site import Site
from builder.matrix.spec import Platform


def ensured_base(site: Site, say: Say, *, refresh_toolchain: bool = False) -> BaseOf:
    """A function that gives the base of a platform with its toolchain base; it raises BuilderError."""

    def find(platform: Platform) -> Base:
        base = ensure_base(platform, site, cache_directory())
        return ensure_toolchain(platform, base, cache_directory(), say, refresh=refresh_toolchain)

    return find
