"""Asks upstream what it offers now: indexes, source archives, keys of package repositories, Debian mirrors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from builder.dependencies import apt_resolve, conda_packages, debian_packages, package_index
from builder.dependencies import sources as asking
from builder.dependencies.debian_packages import Recorded
from builder.dependencies.drift import Drift, Kind
from builder.dependencies.repository_keys import expiry, listing
from builder.dependencies.source import ask, problems
from builder.errors import BuilderError
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec, Platform

THREADS = 16
SOON_SECONDS = 30 * 24 * 3600
"""Seconds before its end at which an expiring key is reported: a month to act in."""


def offered(projects: Iterable[str], site: Site) -> dict[str, frozenset[str]]:
    """What each project offers: sha256s on the indexes, and names of files in directories.

    Raises BuilderError when an index does not answer.
    """
    indexes, names = package_index.urls(site), sorted(set(projects))
    local = frozenset(path.name for directory in site.find_links for path in directory.iterdir())

    def of(project: str) -> frozenset[str]:
        return local.union(*({file.sha256 for file in package_index.files(project, url, site)} for url in indexes))

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(names, pool.map(of, names), strict=True))


def sources(cells: Sequence[ImageSpec], site: Site) -> Iterator[Drift]:
    """The source archives and package repositories that do not answer as a build needs it."""
    for source, answer in problems(ask([*asking.downloads(cells, site), *asking.repositories(cells, site)])):
        yield unreachable(source.name, "answered", answer.said, source.cells)


def unreachable(subject: str, before: str, why: str, cells: tuple[str, ...]) -> Drift:
    return Drift(kind="source unreachable", subject=subject, before=before, after=why, cells=cells)


def conda(cells: Sequence[ImageSpec], recorded: conda_packages.Recorded, site: Site) -> Iterator[Drift]:
    """The packages of conda that their channel has no more; a channel that does not answer is one drift."""
    packages = {spec: conda_packages.of(spec, recorded) for spec in cells}
    for source, answer in problems(ask(list(asking.conda(packages, site)))):
        if answer.state == "not reachable":
            yield unreachable(source.name, "answered", answer.said, source.cells)
            continue
        kind: Kind = "package vanished" if answer.state == "gone" else "source unreachable"
        after = "not offered" if answer.state == "gone" else answer.said
        yield Drift(kind=kind, subject=source.name, before=answer.subject, after=after, cells=answer.cells)


def keys(cells: Sequence[ImageSpec], site: Site, now: float) -> Iterator[Drift]:
    """The keys of package repositories that have expired at `now`, expire soon, or do not come."""
    for repository in asking.used_repositories(cells):
        concerned = tuple(cell(spec) for spec in cells if repository in spec.repositories)
        try:
            until = expiry(listing(repository, site))
        except (BuilderError, ValueError) as error:
            yield unreachable(repository.key_url, "a key", str(error), concerned)
            continue
        if until is not None and until < now + SOON_SECONDS:
            after = "expired" if until < now else f"expires in {(until - now) / 86400:.0f} days"
            yield Drift(kind="key expired", subject=repository.name, before="valid", after=after, cells=concerned)


def mirrors(cells: Sequence[ImageSpec], recorded: Mapping[str, Recorded], site: Site) -> Iterator[Drift]:
    """The Debian packages that a mirror has in another version than the lock records."""
    platforms = {spec.platform.name: spec.platform for spec in cells if spec.platform.name in recorded}
    for name, platform in platforms.items():
        concerned = tuple(cell(spec) for spec in cells if spec.platform.name == name)
        try:
            yield from moved_packages(platform, recorded[name], concerned, site)
        except BuilderError as error:
            yield unreachable(f"Debian mirror of {name}", "answered", error.message, concerned)


def moved_packages(platform: Platform, known: Recorded, cells: tuple[str, ...], site: Site) -> Iterator[Drift]:
    """The packages of one platform, each once."""
    if platform.bootstrap is None:
        return
    base = debian_packages.base_question(platform)
    today = apt_resolve.record(platform.bootstrap.suite, known.lists.keys(), base, site)
    told = set()
    for asked in sorted(known.lists, key=lambda one: one != base):
        kind: Kind = "base moved" if asked == base else "package moved"
        new = today.lists[asked]
        for name, before in known.lists[asked].items():
            if new.get(name, before) != before and name not in told:
                told.add(name)
                subject = f"{platform.name}: {name}"
                yield Drift(kind=kind, subject=subject, before=before, after=new[name], cells=cells)
