"""A directory with every locked file of some cells: filled from indexes and the site's directories, or checked."""

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.dependencies import download, package_index
from builder.dependencies.download import FatalDownloadError
from builder.dependencies.package_index import File
from builder.errors import BuilderError, CancelledError, InputError, with_hint
from builder.host.files import replacing
from builder.host.site import Site, rewrite
from builder.matrix.spec import PinnedImage

AT_ONCE = 4
State = Literal["whole", "missing", "corrupt"]
FETCH = "python -m builder fetch --to"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Item:
    """A file that a build needs. Source archives and conda's packages have a URL; an index has the distributions."""

    file: str
    checksum: str
    """Its sha256; of a package of conda that nobody has fetched, its md5."""
    name: str
    version: str
    url: str | None = None

    def __str__(self) -> str:
        """The item as an error names it."""
        return f"{self.name} {self.version}: {self.file}".replace("  ", " ")


def items(images: Iterable[PinnedImage]) -> tuple[Item, ...]:
    """Every distribution, package of conda and source archive of these images, once."""
    found = set()
    for image in images:
        found |= {Item(file=d.file, checksum=d.sha256, name=d.name, version=d.version) for d in image.distributions}
        found |= {
            Item(file=one.file, checksum=one.sha256 or one.md5, name=one.name, version=one.version, url=one.url)
            for one in image.conda
        }
        for source in image.spec.sources:
            name, _, version = source.name.rpartition("-")
            file = source.url.rstrip("/").rpartition("/")[2]
            found.add(Item(file=file, checksum=source.sha256, name=name, version=version, url=source.url))
    return tuple(sorted(found, key=lambda item: (item.name, item.file)))


def state(item: Item, directory: Path) -> State:
    """Whether the directory has the file with the locked sha256; raises BuilderError when the file is unreadable."""
    file = directory / item.file
    try:
        return "whole" if checksum_of(file, item.checksum) == item.checksum else "corrupt"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise BuilderError(f"{file}: {error.strerror}") from None


def checksum_of(file: Path, like: str) -> str:
    with file.open("rb") as stream:
        return str(hashlib.file_digest(stream, lambda: download.hasher(like)).hexdigest())


def states(wanted: Iterable[Item], directory: Path) -> list[tuple[Item, State]]:
    """The state of each item, several at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda item: (item, state(item, directory)), wanted))


def refuse(images: Iterable[PinnedImage], directory: Path) -> None:
    """Raise InputError that names each missing or corrupt distribution."""
    wanted = (item for item in items(images) if item.url is None)
    if bad := [f"{directory}: {found}: {item}" for item, found in states(wanted, directory) if found != "whole"]:
        raise InputError(bad, hint=f"{FETCH} {directory}")


def fill(wanted: Iterable[Item], directory: Path, site: Site) -> Iterator[tuple[Item, str]]:
    """Each item once it is there, and how it came: `kept`, `copied` or `downloaded`.

    Several are fetched at a time. Raises BuilderError that names every missing item, and at once after a fatal error.
    """
    problems: list[str] = []
    indexes = package_index.urls(site)

    def task(one: Item, stop: download.Ended) -> str:
        return have(one, directory, indexes, site, stop)

    with download.side_by_side(wanted, task, AT_ONCE) as ended:
        for item, future in ended:
            try:
                yield item, future.result()
            except FatalDownloadError as error:
                raise BuilderError("\n".join([*problems, error.message]), hint=error.hint) from None
            except CancelledError:
                raise
            except BuilderError as error:
                problems.append(with_hint(error.message, error.hint))
    if problems:
        raise BuilderError("\n".join(problems))


def have(item: Item, directory: Path, indexes: tuple[str, ...], site: Site, stop: download.Ended) -> str:
    """Make the directory hold the item; returns how it came. Raises BuilderError."""
    if state(item, directory) == "whole":
        return "kept"
    for links in site.find_links:
        if (links / item.file).is_file() and state(item, links) == "whole":
            copied(links / item.file, directory / item.file)
            return "copied"
    url = rewrite(item.url, site) if item.url else offered(item, indexes, site).url
    download.to_file(url, directory / item.file, item.checksum, site, stop, what=str(item))
    return "downloaded"


def copied(source: Path, target: Path) -> None:
    """Copy the file, whole or not at all; raises FatalDownloadError when the disk refuses."""
    with download.writing(target), replacing(target) as sibling:
        shutil.copyfile(source, sibling)


def offered(item: Item, indexes: Iterable[str], site: Site) -> File:
    """The locked file on the first index that has it; raises BuilderError when no index has it, or only other bytes."""
    others = []
    for url in indexes:
        try:
            listed = package_index.files(item.name, url, site)
        except BuilderError as error:
            raise FatalDownloadError(error.message, hint=error.hint) from None
        if found := package_index.locked_in(listed, item.file, item.checksum):
            return found
        others += package_index.others_in(listed, item.file)
    why = f"no index and no directory has it any more; locked is sha256 {item.checksum}"
    if others:
        why = f"the index has other bytes under this name: sha256 {others[0]}, locked is {item.checksum}"
    raise BuilderError(f"{item}: {why}", hint=f"python -m builder lock --upgrade {item.name}")
