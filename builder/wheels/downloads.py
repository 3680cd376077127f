"""The wheels of a layer on this host, each below its sha256: fetched once, and checked at each use."""

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from builder.dependencies import collect_metadata, download, package_index
from builder.errors import BuilderError
from builder.host import mutex
from builder.host.cache import OTHER_CACHE, cache_directory, ignore, room, say
from builder.host.files import sha256_of
from builder.host.site import Site
from builder.matrix.spec import Distribution

AT_ONCE = 8


class GoneError(BuilderError):
    """A locked file that no index has any more."""


def wheels(wanted: Iterable[Distribution], site: Site) -> Mapping[str, Path]:
    """The file of each distribution, by name; missing ones are fetched. Raises BuilderError.

    One run at a time fetches. So two never write the same file, and the second uses what the first brought.
    """
    missing = tuple(wanted)
    found = kept(missing)
    if missing := without(missing, found):
        with mutex.held(cache_directory() / "locks", "wheels", lambda holder: say(f"{holder} fetches wheels; waiting")):
            found |= kept(missing)
            found |= fetched(without(missing, found), site)
    return found


def kept(wanted: Iterable[Distribution]) -> dict[str, Path]:
    """The files that this host has already, by name."""
    return {one.name: place(one) for one in wanted if is_whole(place(one), one.sha256)}


def without(wanted: Iterable[Distribution], found: Mapping[str, Path]) -> tuple[Distribution, ...]:
    return tuple(one for one in wanted if one.name not in found)


def place(one: Distribution) -> Path:
    return room(cache_directory() / "wheels") / one.sha256 / one.file


def is_whole(path: Path, wanted: str) -> bool:
    """Whether the file has this sha256. A damaged file is said, and counts as absent."""
    if not os.path.lexists(path):
        return False
    try:
        why = "" if sha256_of(path) == wanted else "its sha256 is another one"
    except OSError as error:
        why = str(error.strerror)
    if why:
        ignore(path, why)
    return not why


def fetched(missing: Iterable[Distribution], site: Site) -> dict[str, Path]:
    """The files of these distributions, by name; raises BuilderError."""
    indexes = functools.cache(functools.partial(package_index.urls, site))

    def task(one: Distribution, stop: download.Ended) -> Path:
        return fetch(one, indexes, site, stop)

    with download.side_by_side(missing, task, AT_ONCE) as ended:
        return {one.name: future.result() for one, future in ended}


def fetch(one: Distribution, indexes: Callable[[], Iterable[str]], site: Site, stop: download.Ended) -> Path:
    """The wheel, from the site's directories, its URL or an index; raises BuilderError when none has this sha256."""
    if (path := collect_metadata.local(one.file, site)) and is_whole(path, one.sha256):
        return path
    if one.url:
        return keep(one, one.url, site, stop)
    for url in indexes():
        for file in package_index.files(one.name, url, site):
            if file.sha256 == one.sha256:
                return keep(one, file.url, site, stop)
    raise GoneError(
        f"{one.name} {one.version}: no index of this site has the file with sha256 {one.sha256[:12]}... any more",
        hint="remove the lock, which --dry-run names, and it is resolved anew",
    )


def keep(one: Distribution, url: str, site: Site, stop: download.Ended) -> Path:
    """Download the file to its place in the cache; raises BuilderError."""
    target = place(one)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuilderError(f"{target}: it cannot be kept: {error.strerror}", hint=OTHER_CACHE) from None
    download.to_file(url, target, one.sha256, site, stop, what=f"{one.name} {one.version}: {one.file}")
    return target
