"""The pinned versions of apt packages, as questions to the repositories that have to list them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial

from builder.dependencies import apt_packages
from builder.dependencies.apt_packages import Versions, exact
from builder.dependencies.source import Answer, Source
from builder.errors import BuilderError
from builder.host import apt_sources
from builder.host.apt_sources import Archive
from builder.host.site import Site, rewrite
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec

NAMED = 3
"""How many other versions of a package are named."""
Pins = Mapping[str, tuple[str, ...]]
"""The cells that need each pin, `libnccl2=2.4.8-1+cuda10.0`."""
Listed = Callable[[Collection[str]], Versions]


def of(cells: Sequence[ImageSpec], site: Site) -> Iterator[Source]:
    """A source for each set of third-party repositories, and for each distribution whose packages are pinned."""
    for group in sorted({spec.repositories for spec in cells if spec.repositories}, key=str):
        users = [spec for spec in cells if spec.repositories == group]
        urls = [rewrite(one.url, site) for one in group]
        versions = partial(in_repositories, urls, site=site)
        yield from source(" ".join(urls), users, pinned(users, mirrored=False), versions, "downloads")
    for platform in sorted({spec.platform for spec in cells}, key=lambda one: one.name):
        users = [spec for spec in cells if spec.platform == platform]
        pins = pinned(users, mirrored=True)
        if not pins or platform.bootstrap is None:
            continue
        try:
            archives = apt_sources.archives(platform.bootstrap.suite, site)
        except BuilderError:
            continue  # which is said of the archive itself
        urls = sorted({one.uri for one in archives})
        yield from source(" ".join(urls), users, pins, partial(in_archives, archives, site=site), "apt-sources")


def source(name: str, users: Sequence[ImageSpec], pins: Pins, versions: Listed, instead: str) -> Iterator[Source]:
    cells = tuple(dict.fromkeys(one for found in pins.values() for one in found))
    if pins:
        question = partial(listed, users, pins, versions)
        yield Source(kind="packages", name=name, cells=cells, questions=(question,), instead=instead)


def pinned(cells: Iterable[ImageSpec], *, mirrored: bool) -> dict[str, tuple[str, ...]]:
    """The pins that the mirror of the distribution has to list, or the row's own repositories: whole versions there."""
    found: dict[str, tuple[str, ...]] = {}
    for spec in cells:
        for pin in dict.fromkeys((*spec.packages.build, *spec.packages.runtime)):
            if "=" in pin and ("*" in pin or not spec.repositories) == mirrored:
                found[pin] = (*found.get(pin, ()), cell(spec))
    return found


def listed(users: Sequence[ImageSpec], pins: Pins, versions: Listed) -> Iterator[Answer]:
    """Whether each pin is listed; for one that is not, a few versions that are. Then what a pin needs and has not."""
    found = versions({pin.partition("=")[0] for pin in pins})
    for pin, cells in pins.items():
        name, _, wanted = pin.partition("=")
        there = sorted(found.get(name, ()))
        if any(fnmatchcase(one, wanted) for one in there):
            yield Answer(subject=pin, cells=cells)
            continue
        said = f"listed are {', '.join(there[-NAMED:])}" if there else "no such package is listed"
        yield Answer(subject=pin, state="gone", said=said, cells=cells)
    for (pin, needed), rows in unpinned(users, found).items():
        said = f"it needs {needed}, which the row does not pin: apt takes the newest, and fails once there is another"
        yield Answer(subject=pin, state="answers otherwise", said=said, cells=tuple(dict.fromkeys(rows)))


def unpinned(users: Sequence[ImageSpec], found: Versions) -> dict[tuple[str, str], list[str]]:
    """The packages that a pin needs in one version alone, and that its step does not pin, each with the rows."""
    missing: dict[tuple[str, str], list[str]] = {}
    for spec in users:
        for step in (spec.packages.build, spec.packages.runtime):
            for pin, needed in lacking(step, found):
                missing.setdefault((pin, needed), []).append(cell(spec))
    return missing


def lacking(step: Sequence[str], found: Versions) -> Iterator[tuple[str, str]]:
    """Each pin of a step with a package that it needs in one version, and that no pin of the step is."""
    for pin in step:
        name, _, version = pin.partition("=")
        for needed in map("=".join, exact(found.get(name, {}).get(version, ""))):
            if not any(fnmatchcase(needed, other) for other in step):
                yield pin, needed


def in_repositories(urls: Iterable[str], names: Collection[str], *, site: Site) -> Versions:
    return merged(apt_packages.listed(url, names, site) for url in urls)


def in_archives(archives: Iterable[Archive], names: Collection[str], *, site: Site) -> Versions:
    return merged(apt_packages.of_archive(one, names, site) for one in archives)


def merged(parts: Iterable[Versions]) -> Versions:
    found: Versions = {}
    for part in parts:
        for name, versions in part.items():
            found.setdefault(name, {}).update(versions)
    return found
