"""What a scan has judged, by ecosystem, and what it has not: that is said, and never green."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from debian.debian_support import Version

from builder.advisories.accepted import Acceptance
from builder.advisories.database import Database
from builder.dependencies import apt_packages, debian_packages
from builder.dependencies.debian_packages import Recorded
from builder.errors import BuilderError
from builder.host import apt_sources
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec, PinnedImage, Platform

SECURITY = "-security"
Pending = Mapping[str, tuple[str, str]]
"""Debian packages by name: the recorded version, and the one that the security archive has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One ecosystem of some cells: whether it was judged, by what, and who answers for it where it was not."""

    ecosystem: str
    audited: bool
    said: str
    cells: tuple[str, ...]
    accepted: Acceptance | None = None


def of_pypi(found: Database, cells: Sequence[str], oldest: dt.date | None) -> Coverage:
    """By the database, unless its newest record is older than the site allows, or a record cannot be read."""
    said = f"{found.count:,} records, the newest of {found.newest or 'no day'}"
    if found.unreadable:
        return Coverage(
            ecosystem="pypi", audited=False, said=f"{said}; not read: {found.unreadable[0]}", cells=tuple(cells)
        )
    fresh = oldest is None or found.newest >= oldest.isoformat()
    said += "" if fresh else f", and this site allows none before {oldest}"
    return Coverage(ecosystem="pypi", audited=fresh, said=said, cells=tuple(cells))


def of_conda(pinned: Iterable[PinnedImage]) -> Iterator[Coverage]:
    cells = tuple(cell(one.spec) for one in pinned if one.conda)
    if cells:
        yield Coverage(ecosystem="conda", audited=False, said="no database has conda's builds", cells=cells)


def of_repositories(cells: Sequence[ImageSpec]) -> Iterator[Coverage]:
    """What comes from other repositories of Debian packages, such as NVIDIA's."""
    users = tuple(cell(spec) for spec in cells if spec.repositories)
    if users:
        said = "no database has what other apt repositories serve"
        yield Coverage(ecosystem="apt-repositories", audited=False, said=said, cells=users)


def of_debian(
    platform: Platform, cells: Sequence[ImageSpec], recorded: Mapping[str, Recorded], site: Site
) -> tuple[Coverage, Pending]:
    """By the index of the platform's security archive, asked now, over what the lock records of these cells."""
    of_it = [spec for spec in cells if spec.platform == platform]
    versions = locked(of_it, recorded)
    silent = partial(Coverage, ecosystem=platform.name, audited=False, cells=tuple(map(cell, of_it)))
    if not versions or platform.bootstrap is None:
        return silent(said="builder.lock records none of its packages"), {}
    try:
        newest = in_security_archive(platform.bootstrap.suite, versions, site)
    except (BuilderError, OSError, ValueError) as error:
        return silent(said=f"its security archive: {error}"), {}
    pending = {key: (versions[key], one) for key, one in newest.items() if Version(one) > Version(versions[key])}
    said = f"{len(versions)} packages, {len(pending)} with a security update pending"
    return replace(silent(said=said), audited=True), pending


def locked(cells: Iterable[ImageSpec], recorded: Mapping[str, Recorded]) -> dict[str, str]:
    """The Debian packages of the images by name, as the lock records them."""
    found: dict[str, str] = {}
    for spec in cells:
        found.update(debian_packages.base(spec.platform, recorded))
        found.update(debian_packages.runtime(spec, recorded))
    return found


def in_security_archive(suite: str, names: Collection[str], site: Site) -> dict[str, str]:
    """The newest version there of each package; raises BuilderError, also where no such archive is named."""
    archives = [one for one in apt_sources.archives(suite, site) if one.suite == suite + SECURITY]
    if not archives:
        raise BuilderError("neither this host nor its site names one")
    found = (apt_packages.of_archive(one, names, site) for one in archives)
    return {name: max(versions, key=Version) for one in found for name, versions in one.items()}


def answered_for(found: Coverage, accepted: Iterable[Acceptance], today: dt.date) -> Coverage:
    """The coverage with who answers for all its cells today, where it was not audited."""
    fits = (
        one
        for one in accepted
        if one.not_audited == found.ecosystem and all(one.covers(name, today) for name in found.cells)
    )
    return found if found.audited else replace(found, accepted=next(fits, None))
