"""How much disk the build of some images takes, by the sizes of the locked files on the package index.

So a job on a small machine is known to fail before it starts.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from builder.dependencies import package_index
from builder.host.site import Site
from builder.matrix.spec import Distribution, PinnedImage

THREADS = 16
COPIES = 6.0
"""Bytes on disk for each byte of a wheel: its download, its files in two layers, and the packed layer.

On the classic store, with the rest, 1.9 GB were measured for scikit-learn and 3.4 GB for PyTorch 2.13 for CPU.
"""
FIXED = 1_500_000_000
"""The base, the tools of the build, this program's environment, logs."""
Sizes = Mapping[str, int]
"""Bytes by sha256."""


def sizes(images: Iterable[PinnedImage], site: Site) -> dict[str, int]:
    """The size of each locked distribution: of the site's own directories, else as an index says it.

    What no index says is left out. Raises BuilderError when one does not answer.
    """
    wanted = {one.sha256: one for image in images for one in image.distributions}
    found = {sha256: there for sha256, one in wanted.items() if (there := here(one, site))}
    names = sorted({one.name for sha256, one in wanted.items() if sha256 not in found})
    if not names:
        return found
    indexes = package_index.urls(site)

    def listed(project: str) -> dict[str, int]:
        each = [package_index.files(project, url, site) for url in indexes]
        return {file.sha256: file.size for files in each for file in files if file.size}

    with ThreadPoolExecutor(THREADS) as pool:
        for offered in pool.map(listed, names):
            found |= {sha256: size for sha256, size in offered.items() if sha256 in wanted}
    return found


def here(one: Distribution, site: Site) -> int:
    """The size of the file in the first of the site's directories that has it; 0 where none has."""
    files = (directory / one.file for directory in site.find_links)
    return next((file.stat().st_size for file in files if file.is_file()), 0)


def needed(images: Iterable[PinnedImage], known: Sizes) -> int:
    """The bytes of disk that building these images in one job takes; what they share is there once."""
    files = {one.sha256 for image in images for one in image.distributions}
    return round(FIXED + COPIES * sum(known.get(sha256, 0) for sha256 in files))


def unknown(images: Iterable[PinnedImage], known: Sizes) -> list[str]:
    """The locked files whose size nobody said."""
    return sorted({one.file for image in images for one in image.distributions if one.sha256 not in known})
