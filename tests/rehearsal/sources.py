"""What the stand-ins are made from: source packages of Debian and Ubuntu, and what somebody gave."""

import hashlib
import lzma
import re
import subprocess
import urllib.request
from pathlib import Path

from builder.dependencies.package_index import files, urls
from builder.errors import EngineError
from builder.host.apt_sources import Archive, archives
from builder.host.site import Site
from builder.host.site_discovery import load_site

SECONDS = 300
PINNED = {"miniconda": "4.5.11", "openmpi": "3.1.2", "python": "3.6.15"}
"""The sources that the matrix names; the Python is that of debian12."""
PACKAGED = {"miniconda": "4.3.16", "openmpi": "4.1.4", "python": "3.6.9"}
"""The nearest releases that the package index, Debian 12 and Ubuntu 18.04 have."""
CONDA_SHA256 = "a91ef821343dea3ba9670f3d10b36c1ace4f4c36d70c175d8fc8886e94285953"
GIVEN = {
    "conda-4.5.11.tar.gz": "git archive --format=tar.gz --prefix=conda-4.5.11/ 4.5.11, of github.com/conda/conda",
    "openmpi-3.1.2.tar.gz": "git archive --format=tar.gz --prefix=openmpi-3.1.2/ v3.1.2, of github.com/open-mpi/ompi",
    "Python-3.6.15.tar.xz": "git archive --prefix=Python-3.6.15/ v3.6.15 | xz, of github.com/python/cpython",
}
"""The pinned releases, which no archive of packages has, and the command that makes each."""


def openmpi(given: Path | None, directory: Path) -> Path:
    """Open MPI's source: the pinned release where somebody gave it, else Debian 12's."""
    if given:
        return given_file(given, "openmpi-3.1.2.tar.gz")
    return source_package("bookworm", "main", "openmpi", f"openmpi_{PACKAGED['openmpi']}.orig.tar.xz", directory)


def python(given: Path | None, directory: Path) -> Path:
    """CPython's source for debian12: the pinned release where somebody gave it, else Ubuntu 18.04's."""
    return given_file(given, "Python-3.6.15.tar.xz") if given else ubuntu_python(directory)


def ubuntu_python(directory: Path) -> Path:
    """The source of a CPython 3.6 that runs on glibc 2.23."""
    return source_package("bionic", "main", "python3.6", f"python3.6_{PACKAGED['python']}.orig.tar.xz", directory)


def conda(given: Path | None, directory: Path) -> Path:
    """Conda's source: the pinned release where somebody gave it, else the last one on the package index."""
    if given:
        return given_file(given, "conda-4.5.11.tar.gz")
    target = directory / f"conda-{PACKAGED['miniconda']}.tar.gz"
    if not target.exists():
        site = load_site()
        url = next(file.url for index in urls(site) for file in files("conda", index, site) if file.name == target.name)
        download(url, target, CONDA_SHA256)
    return target


def given_file(directory: Path, name: str) -> Path:
    """A file that a person has to give; raises EngineError with the command that makes it."""
    if not (directory / name).is_file():
        raise EngineError(f"{directory / name}: not there", hint=f"{GIVEN[name]} > {directory / name}")
    return directory / name


def source_package(suite: str, component: str, name: str, file: str, directory: Path) -> Path:
    """A file of a source package of the suite, such as its `.orig.tar.xz`, downloaded once and checked."""
    target = directory / file
    if not target.exists():
        (archive, path, sha256) = found(suite, component, name, file)
        download(f"{archive.uri}/{path}", target, sha256)
    return target


def found(suite: str, component: str, name: str, file: str) -> tuple[Archive, str, str]:
    """Where the file is and its sha256, by the newest index of the suite's archives that has it."""
    for archive in reversed(archives(suite, Site())):
        url = f"{archive.uri}/dists/{archive.suite}/{component}/source/Sources.xz"
        text = lzma.decompress(read(url)).decode()
        for stanza in text.split("\n\n"):
            hit = re.search(rf"^ ([0-9a-f]{{64}}) \d+ {re.escape(file)}$", stanza, re.MULTILINE)
            if f"\nPackage: {name}\n" in f"\n{stanza}\n" and hit:
                directory = re.search(r"^Directory: (.+)$", stanza, re.MULTILINE)
                return archive, f"{directory[1] if directory else ''}/{file}", hit[1]
    raise EngineError(f"{suite} has no {file}")


def binary_package(suite: str, component: str, name: str, directory: Path) -> Path:
    """The newest package of that name in the suite, downloaded once and checked."""
    for archive in reversed(archives(suite, Site())):
        url = f"{archive.uri}/dists/{archive.suite}/{component}/binary-amd64/Packages.xz"
        for stanza in lzma.decompress(read(url)).decode().split("\n\n"):
            if f"\nPackage: {name}\n" in f"\n{stanza}\n":
                fields = dict(re.findall(r"^(Filename|SHA256): (.+)$", stanza, re.MULTILINE))
                target: Path = directory / fields["Filename"].rpartition("/")[2]
                if not target.exists():
                    download(f"{archive.uri}/{fields['Filename']}", target, fields["SHA256"])
                return target
    raise EngineError(f"{suite} has no {name}")


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return bytes(answer.read())


def download(url: str, target: Path, sha256: str) -> None:
    """Write the file, whole or not at all."""
    content = read(url)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EngineError(f"{url}: not the file of its index")
    part = target.with_suffix(".part")
    part.write_bytes(content)
    part.rename(target)


def unpacked(package: Path, directory: Path) -> Path:
    """The contents of a Debian package."""
    if not directory.exists():
        subprocess.run(["dpkg-deb", "-x", str(package), str(directory)], check=True)
    return directory
