"""A mirror of Debian in a directory: one suite, and a few packages."""

import hashlib
from pathlib import Path

from builder.host.site import Site

DAY = "Sat, 11 Jul 2026 09:00:00 UTC"


def mirror_site(directory: Path, packages: dict[str, tuple[str, str]]) -> Site:
    """A site whose mirror of `bookworm` is a directory with these packages: version, and further fields."""
    index = "".join(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nFilename: pool/{name}.deb\nSize: 1\n"
        f"SHA256: {'0' * 64}\n{fields}\n"
        for name, (version, fields) in packages.items()
    )
    below = directory / "dists/bookworm/main/binary-amd64"
    below.mkdir(parents=True, exist_ok=True)
    (below / "Packages").write_text(index, "utf-8")
    sha256 = hashlib.sha256(index.encode()).hexdigest()
    (directory / "dists/bookworm/Release").write_text(
        f"Suite: bookworm\nCodename: bookworm\nDate: {DAY}\nArchitectures: amd64 all\nComponents: main\n"
        f"SHA256:\n {sha256} {len(index)} main/binary-amd64/Packages\n",
        "utf-8",
    )
    return Site(base="bootstrap", apt_sources=f"deb [trusted=yes] file:{directory} bookworm main\n")


def packages_with(version: str) -> dict[str, tuple[str, str]]:
    """A few packages, among them Open MPI in this version."""
    return {
        "libc6": ("2.36-9", "Essential: yes\n"),
        "apt": ("2.6.1", "Depends: libc6\n"),
        "openmpi-bin": (version, "Depends: libopenmpi3, libc6\nRecommends: nothing-here\n"),
        "libopenmpi3": (version, ""),
        "gcc": ("12", ""),
    }
