"""The values of one cell. `builder.matrix.load` makes them, and nothing changes them afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Device = Literal["cpu", "gpu"]
DEVICES: tuple[Device, ...] = ("cpu", "gpu")
EVERY_PLATFORM = "any"
"""What `--platform` takes instead of a name."""
EPOCH = 946684800
"""The time of every file that a build writes, 2000-01-01 (https://reproducible-builds.org/specs/source-date-epoch/).

All cells share it, so that layers of the same content are the same bytes. It is older than any package, and young
enough for zip, which begins in 1980.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One promised version. Where the original table says another, `documented` has that, and `reason` says why."""

    name: str
    value: str
    probe: str
    """How the version is read inside the image, for example `dpkg:libnccl2`: see `builder.matrix.probes`."""
    documented: str | None = None
    reason: str | None = None

    def document(self) -> dict[str, str]:
        """The pin as documents show it, without what it does not have."""
        found = {"value": self.value, "documented": self.documented, "because": self.reason, "probe": self.probe}
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that a build downloads, and its sha256."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """How mmdebstrap makes the base when it is not pulled."""

    suite: str
    variant: str
    include: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What an image stands on: the operating system, and the base by digest."""

    name: str
    os_id: str
    os_version: str
    glibc: str
    base_image: str
    base_digest: str
    toolchain_digest: str
    """The base of the steps that compile and install: the base itself, or an earlier one. See `toolchain-digest`."""
    bootstrap: Bootstrap | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AptRepository:
    """A third-party package repository and the fingerprint of the key that signs it."""

    name: str
    url: str
    key_url: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """Debian packages, each `name` or `name=version`."""

    build: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """One cell of the matrix: everything its Dockerfile is made from."""

    framework: str
    title: str
    version: str
    device: Device
    platform: Platform
    is_default_platform: bool
    is_default_version: bool
    pins: tuple[Pin, ...]
    layers: tuple[tuple[str, tuple[str, ...]], ...]
    """Names and globs of the layers below the framework's own, in their order."""
    core: tuple[str, ...]
    """Globs of the distributions that make up the framework's own layer."""
    compiled: tuple[str, ...]
    """Distributions with a stage of their own: their wheels depend on torch, Python and MPI together."""
    packages: Packages
    repositories: tuple[AptRepository, ...]
    environment: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    rolling_tags: tuple[str, ...] = ()
    """The tags that move and are this cell's in this matrix: `builder.matrix.tags` decides between cells."""
    is_latest: bool = False
    """Whether one of them begins with `latest`."""
    cpu_wheels: bool = False
    """Whether a site's own index has its torch, without CUDA. Its closure and context lie beside the others."""

    def pin(self, name: str) -> Pin | None:
        """The pin of that name, or None."""
        return next((pin for pin in self.pins if pin.name == name), None)

    def value(self, name: str) -> str:
        """The version pinned under that name; raises KeyError when the row has no such pin."""
        pin = self.pin(name)
        if pin is None:
            raise KeyError(name)
        return pin.value

    def source(self, name: str) -> Source:
        """The download of that component; raises KeyError."""
        return next(source for source in self.sources if source.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One locked Python distribution: the file that is installed, and its sha256."""

    name: str
    version: str
    file: str
    sha256: str
    url: str = ""
    """Where the file is, when a request names that; else an index knows."""

    @property
    def is_wheel(self) -> bool:
        """Whether the file is installed as it is; a source distribution becomes a wheel first."""
        return self.file.endswith(".whl")


CONDA = "https://repo.anaconda.com/pkgs"
"""Where conda's default channels are: `main`, `free`, `r`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """One locked package of conda: its path below the default channels, and what is known of its bytes."""

    path: str
    """For example `main/linux-64/python-3.6.2-hca45abc_19.tar.bz2`."""
    md5: str
    sha256: str | None
    """None until a file with that md5 was at hand."""

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def name(self) -> str:
        return self.file.rsplit("-", 2)[0]

    @property
    def version(self) -> str:
        return self.file.rsplit("-", 2)[1]

    @property
    def url(self) -> str:
        return f"{CONDA}/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a distribution requires: Requires-Python, empty when it has none, and Requires-Dist."""

    python: str
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedImage:
    """A cell whose whole Python closure is locked. Only such a cell can be rendered and built."""

    spec: ImageSpec
    distributions: tuple[Distribution, ...]
    packages: Mapping[str, str] = field(default_factory=dict)
    """The version of each Debian package in the final image, as `lock` recorded it."""
    base_packages: Mapping[str, str] = field(default_factory=dict)
    """The version of each Debian package in a bootstrapped base, as `lock` recorded it."""
    lock_sha256: str = ""
    """The sha256 of the builder.lock that the closure comes from."""
    conda: tuple[CondaPackage, ...] = ()
    """What conda's environment is made of; empty where conda makes none."""

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the locked files that a build installs."""
        return (*(one.file for one in self.distributions), *(one.file for one in self.conda))
