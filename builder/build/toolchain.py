"""The base that compiles and installs: pinned apart from the base of the image, so that a moved base is only a rebase.

A pulled platform names both digests in the matrix. For a bootstrapped one the cache remembers, by the settings of the
platform and so never across releases of the OS, the base on which the layers were last made.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.build import oci_layout
from builder.build.bases import Base, cached, fingerprint, last_made
from builder.errors import InputError
from builder.host.cache import ignore, keep, known
from builder.matrix.spec import Platform

Say = Callable[[str], None]


def with_toolchain(platform: Platform, base: Base, cache_dir: Path, *, refresh: bool = False) -> Base:
    """The base with the toolchain base that this host remembers, if any; with `refresh` alone. Changes nothing.

    Raises InputError when a pulled base is to be refreshed.
    """
    if platform.bootstrap is None or base.path is None:
        return pulled(platform, base, refresh=refresh)
    found = base if refresh else remembered(file_of(platform, cache_dir), base)
    return replace(base, toolchain=found if found != base else None)


def ensure_toolchain(platform: Platform, base: Base, cache_dir: Path, say: Say, *, refresh: bool = False) -> Base:
    """The base with its toolchain base. Without a remembered one, or with `refresh`, the base becomes its own.

    Raises InputError when a pulled base is to be refreshed: the matrix pins that one.
    """
    if platform.bootstrap is None or base.path is None:
        return pulled(platform, base, refresh=refresh)
    file = file_of(platform, cache_dir)
    before = remembered(file, base)
    if before == base or (before and not refresh):
        return replace(base, toolchain=before if before != base else None)
    why = "as asked" if before else "no earlier one is whole" if file.exists() else "there is no earlier one"
    say(f"base {platform.name}: it becomes the toolchain base too ({why}): every image is made from nothing")
    keep(file, {"digest": base.digest, "directory": base.path.name}, "the next base will not be a rebase", say)
    return base


def pulled(platform: Platform, base: Base, *, refresh: bool) -> Base:
    """The pulled base, paired with the row's `toolchain-digest` when the two differ.

    Raises InputError with `refresh`: the matrix pins the toolchain base.
    """
    if refresh:
        hint = f"set or remove toolchain-digest of {platform.name} in the matrix, then: python -m builder render"
        raise InputError(f"the toolchain base of {platform.name} is pinned in the matrix", hint=hint)
    if base.kind != "pulled" or platform.toolchain_digest == platform.base_digest:
        return base
    return replace(base, toolchain=Base(kind="pulled", digest=platform.toolchain_digest))


def remembered(file: Path, base: Base) -> Base | None:
    """The toolchain base that the file names; None when it names none, or one that is damaged."""
    if base.path is None:
        return base
    bases = base.path.parent
    found = known(file, lambda content: named(content, bases))
    if found and found.digest == base.digest:
        return base
    if found and found.path and oci_layout.digest(found.path) != found.digest:
        ignore(found.path, f"it is not the whole base that {file} names")
        return None
    return found


def superseded(platforms: Iterable[Platform], cache_dir: Path) -> list[Path]:
    """The cached bases that no platform needs: neither its newest whole base nor its toolchain base."""
    bases = cache_dir / "bases"
    current = [last_made(bases, fingerprint(one.bootstrap)) for one in platforms if one.bootstrap]
    records = sorted((cache_dir / "toolchains").glob("*.json"))
    compiling = [known(file, lambda content: named(content, bases)) for file in records]
    kept = {base.path for base in (*current, *compiling) if base}
    return [path for path in cached(bases) if path not in kept]


def named(content: Mapping[str, Any], bases: Path) -> Base:
    """The base that such a file names; raises an error of the shape."""
    path = bases / Path(content["directory"]).name
    return Base(kind="bootstrapped", digest=str(content["digest"]), path=path)


def file_of(platform: Platform, cache_dir: Path) -> Path:
    """Where the toolchain base of a platform is remembered."""
    settings = fingerprint(platform.bootstrap) if platform.bootstrap else platform.name
    return cache_dir / "toolchains" / f"{settings}.json"
