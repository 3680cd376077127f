"""Everything that builds of some cells take from elsewhere, as sources that can be asked; base images are apart.

No file is downloaded but small ones: Release and Packages files, keys, and the pages of a package index.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from builder.dependencies import apt_packages, package_index, pinned_packages, remote_file, repository_keys
from builder.dependencies.package_index import File
from builder.dependencies.source import QUICK, Answer, Question, Source, failed
from builder.errors import BuilderError
from builder.host import apt_sources
from builder.host.site import Site, redact, rewrite
from builder.matrix.names import cell
from builder.matrix.spec import CONDA, AptRepository, CondaPackage, Distribution, ImageSpec, PinnedImage


def of(images: Sequence[PinnedImage], site: Site) -> list[Source]:
    """The sources of these images on this site."""
    cells = [image.spec for image in images]
    return [
        *archives(cells, site),
        *repositories(cells, site),
        *keys(cells, site),
        *pinned_packages.of(cells, site),
        *downloads(cells, site),
        *conda({one: image.conda for one, image in zip(cells, images, strict=True)}, site),
        *distributions(images, site),
    ]


def archives(cells: Sequence[ImageSpec], site: Site) -> Iterator[Source]:
    """The archives of the distributions: by their Release files."""
    for name, suite in {spec.platform.name: suite_of(spec) for spec in cells}.items():
        concerned = tuple(cell(spec) for spec in cells if spec.platform.name == name)
        for url, question in release_files(suite, site) if suite else ():
            yield Source(kind="archive", name=url, cells=concerned, questions=(question,), instead="apt-sources")


def suite_of(spec: ImageSpec) -> str:
    return spec.platform.bootstrap.suite if spec.platform.bootstrap else ""


def release_files(suite: str, site: Site) -> Iterator[tuple[str, Question]]:
    """Where each archive of a suite has its Release file, and the question for it."""
    try:
        found = apt_sources.archives(suite, site)
    except BuilderError as error:  # nothing on this host names one
        yield suite, partial(raised, error)
        return
    for one in found:
        url = f"{one.uri}/dists/{one.suite}"
        yield url, partial(released, url, site)


def released(url: str, site: Site) -> Iterator[Answer]:
    apt_packages.release(url, site)
    yield Answer(subject=url)


def repositories(cells: Sequence[ImageSpec], site: Site) -> Iterator[Source]:
    """The third-party package repositories: by their Release files."""
    for one in used_repositories(cells):
        url = rewrite(one.url, site)
        yield Source(
            kind="repository",
            name=url,
            cells=tuple(cell(spec) for spec in cells if one in spec.repositories),
            questions=(partial(released, url, site),),
            instead="downloads",
        )


def used_repositories(cells: Iterable[ImageSpec]) -> list[AptRepository]:
    return sorted({one for spec in cells for one in spec.repositories}, key=lambda one: one.name)


def keys(cells: Sequence[ImageSpec], site: Site) -> Iterator[Source]:
    """The keys of those repositories: by their fingerprints."""
    for one in used_repositories(cells):
        yield Source(
            kind="key",
            name=rewrite(one.key_url, site),
            cells=tuple(cell(spec) for spec in cells if one in spec.repositories),
            questions=(partial(key, one, site),),
            instead="downloads",
        )


def key(repository: AptRepository, site: Site) -> Iterator[Answer]:
    found = repository_keys.fingerprints(repository_keys.listing(repository, site, policy=QUICK))
    if found != [repository.fingerprint]:
        raise ValueError(f"its fingerprint is {' '.join(found)}, the matrix pins {repository.fingerprint}")
    yield Answer(subject=rewrite(repository.key_url, site))


def downloads(cells: Sequence[ImageSpec], site: Site) -> Iterator[Source]:
    """The source archives and installers: by what their servers say of them."""
    components = dict(site.components)
    for one in sorted({source for spec in cells for source in spec.sources}, key=lambda one: one.name):
        url = rewrite(one.url, site)
        yield Source(
            kind="download",
            name=url,
            cells=tuple(cell(spec) for spec in cells if one in spec.sources),
            questions=(partial(there, url, site),),
            instead=f"downloads, or components: {one.name}",
            replaced=f"components: {one.name}" if one.name in components else "",
        )


def there(url: str, site: Site, subject: str = "", cells: tuple[str, ...] = ()) -> Iterator[Answer]:
    """The answer for one file; a file that is gone is one answer, and any other error concerns its whole source."""
    size = remote_file.size(url, site)
    yield Answer(subject=subject or url, said="" if size is None else f"{size:,} bytes", cells=cells)


def conda(packages: Mapping[ImageSpec, Sequence[CondaPackage]], site: Site) -> Iterator[Source]:
    """The packages of conda's channels: each by its path."""
    users: dict[CondaPackage, list[str]] = {}
    for spec, found in packages.items():
        for one in found:
            users.setdefault(one, []).append(cell(spec))
    if not users:
        return
    local = local_files(site)
    asked = sorted((one for one in users if one.file not in local), key=lambda one: one.path)
    yield Source(
        kind="conda packages",
        name=rewrite(CONDA, site),
        cells=tuple(dict.fromkeys(name for found in users.values() for name in found)),
        questions=tuple(partial(conda_package, one, tuple(users[one]), site) for one in asked) or (nothing,),
        instead="downloads, find-links or wheelhouse",
        replaced="" if asked else "find-links",
    )


def conda_package(one: CondaPackage, cells: tuple[str, ...], site: Site) -> Iterator[Answer]:
    return each(one.path, cells, lambda: there(rewrite(one.url, site), site, one.path, cells))


def each(subject: str, cells: tuple[str, ...], question: Question) -> Iterator[Answer]:
    """The answers to a question about one thing of a source: it alone may be gone, and that is no error."""
    try:
        yield from question()
    except (OSError, ValueError, BuilderError) as error:
        found = failed(subject, error)
        if found.state == "not reachable":
            raise
        yield replace(found, cells=cells)


def nothing() -> tuple[Answer, ...]:
    return ()


def local_files(site: Site) -> frozenset[str]:
    """The names of the files that the site's own directories hold, from which a build takes them first."""
    directories = (site.wheelhouse,) if site.wheelhouse else site.find_links
    return frozenset(path.name for directory in directories for path in directory.iterdir())


def distributions(images: Sequence[PinnedImage], site: Site) -> Iterator[Source]:
    """The Python distributions: by the pages of their projects on the package index."""
    users: dict[Distribution, list[str]] = {}
    for image in images:
        for one in image.distributions:
            users.setdefault(one, []).append(cell(image.spec))
    local = local_files(site)
    projects: dict[str, list[Distribution]] = {}
    for one in users:
        if one.file not in local:
            projects.setdefault(one.name, []).append(one)
    indexes = package_index.urls(site)
    questions = [
        partial(project, name, {one: tuple(users[one]) for one in locked}, indexes, site)
        for name, locked in sorted(projects.items())
    ]
    yield Source(
        kind="package index",
        name=" ".join(map(redact, indexes)),
        cells=tuple(cell(image.spec) for image in images),
        questions=tuple(questions) or (nothing,),
        instead="pip: index-url, find-links, or wheelhouse",
        replaced="wheelhouse" if site.wheelhouse else "" if questions else "find-links",
    )


def project(
    name: str, locked: Mapping[Distribution, tuple[str, ...]], indexes: Sequence[str], site: Site
) -> Iterator[Answer]:
    """Whether the indexes list each locked file of a project; raises BuilderError when one that may does not answer."""
    listed, errors = list[File](), list[BuilderError]()
    for index in indexes:
        try:
            listed += package_index.files(name, index, site, policy=QUICK)
        except BuilderError as error:
            errors.append(error)
    for one, cells in locked.items():
        if package_index.locked_in(listed, one.file, one.sha256):
            yield Answer(subject=one.file, cells=cells)
        elif errors:
            yield from each(one.file, cells, partial(raised, errors[0]))
        elif others := package_index.others_in(listed, one.file):
            said = f"other bytes: sha256 {others[0]}, locked is {one.sha256}"
            yield Answer(subject=one.file, state="answers otherwise", said=said, cells=cells)
        else:
            yield Answer(subject=one.file, state="gone", said="no index lists it", cells=cells)


def raised(error: BuilderError) -> tuple[Answer, ...]:
    raise error
