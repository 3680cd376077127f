"""Asks upstream what it offers now: indexes, source archives, keys of package repositories, Debian mirrors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import compress

from builder.dependencies import apt_resolve, conda_packages, debian_packages, package_index
from builder.dependencies.debian_packages import Recorded
from builder.dependencies.drift import Drift, Kind, expiry
from builder.errors import BuilderError
from builder.host import reachability
from builder.host.command import Command
from builder.host.process import run
from builder.host.site import Site, rewrite
from builder.host.temporary import scratch
from builder.matrix.names import cell
from builder.matrix.spec import CONDA, AptRepository, CondaPackage, ImageSpec, Platform

THREADS = 16
SECONDS = 30.0
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
    """The source archives and package repositories that do not answer."""
    asked = sorted(set[str]().union(*map(urls_of, cells)))
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda url: reachability.answers(rewrite(url, site), site), asked))
    for url, why in zip(asked, answers, strict=True):
        if why:
            yield unreachable(url, "answered", why, users(cells, url))


def unreachable(subject: str, before: str, why: str, cells: tuple[str, ...]) -> Drift:
    return Drift(kind="source unreachable", subject=subject, before=before, after=why, cells=cells)


def conda(cells: Sequence[ImageSpec], recorded: conda_packages.Recorded, site: Site) -> Iterator[Drift]:
    """The packages of conda that their channel has no more; a channel that does not answer is one drift."""
    needing = {one: [spec for spec in cells if one in conda_packages.of(spec, recorded)] for one in all_of(recorded)}
    wanted = sorted((one for one in needing if needing[one]), key=lambda one: one.path)
    if not wanted:
        return
    everyone = tuple(cell(spec) for spec in cells if conda_packages.question(spec))
    if why := reachability.answers(rewrite(CONDA, site), site):
        yield Drift(kind="source unreachable", subject=CONDA, before="answered", after=why, cells=everyone)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        gone = list(pool.map(lambda one: is_gone(one, site), wanted))
    for one in compress(wanted, gone):
        concerned = tuple(map(cell, needing[one]))
        yield Drift(kind="package vanished", subject=one.name, before=one.path, after="not offered", cells=concerned)


def is_gone(one: CondaPackage, site: Site) -> bool:
    """Whether the channel says that it has no such file; silence says nothing."""
    try:
        return not reachability.is_there(rewrite(one.url, site), site)
    except OSError:
        return False


def all_of(recorded: conda_packages.Recorded) -> set[CondaPackage]:
    return {one for packages in recorded.values() for one in packages}


def users(cells: Iterable[ImageSpec], url: str) -> tuple[str, ...]:
    """The cells that need a URL."""
    return tuple(cell(spec) for spec in cells if url in urls_of(spec))


def urls_of(spec: ImageSpec) -> set[str]:
    return {source.url for source in spec.sources} | {repository.url for repository in spec.repositories}


def keys(cells: Sequence[ImageSpec], site: Site, now: float) -> Iterator[Drift]:
    """The keys of package repositories that have expired at `now`, expire soon, or do not come."""
    for repository in sorted({found for spec in cells for found in spec.repositories}, key=lambda found: found.name):
        concerned = users(cells, repository.url)
        try:
            until = expires(repository, site)
        except (BuilderError, ValueError) as error:
            yield unreachable(repository.key_url, "a key", str(error), concerned)
            continue
        if until is not None and until < now + SOON_SECONDS:
            after = "expired" if until < now else f"expires in {(until - now) / 86400:.0f} days"
            yield Drift(kind="key expired", subject=repository.name, before="valid", after=after, cells=concerned)


def expires(repository: AptRepository, site: Site) -> int | None:
    """When the repository's key expires, in seconds since 1970, or None; raises BuilderError, ValueError."""
    content = package_index.get(rewrite(repository.key_url, site), site)
    if content is None:
        raise BuilderError("not there")
    with scratch() as directory:
        file = directory / "key"
        file.write_bytes(content)
        command = ("gpg", "--batch", f"--homedir={directory}", "--with-colons", "--show-keys", str(file))
        return expiry(run(Command(argv=command), timeout=SECONDS).stdout)


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
