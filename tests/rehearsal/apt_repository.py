"""Stand-ins for NVIDIA's two repositories: packages under the real names, as unfriendly as the originals.

The newest NCCL is not the pinned one, packages depend on exact versions, a newer cuBLAS brings a second CUDA in, and
none makes /usr/local/cuda.
"""

import gzip
import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LIBRARIES = "usr/lib/x86_64-linux-gnu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A Debian package: its dependencies as in a control file, and its files by path."""

    name: str
    version: str
    depends: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the packages hold that something is compiled against."""

    cuda_headers: Path
    cudart: Path
    cudart_static: Path
    nccl: Path
    """A directory with nccl.h, libnccl_static.a and libnccl.so.2."""


def cuda(release: str, full: str, parts: Parts) -> list[Package]:
    """One release of CUDA, such as 10.1 and 10.1.243: what the rows name, and what that depends on."""
    dash, version, root = release.replace(".", "-"), f"{full}-1", f"usr/local/cuda-{release}"
    target = f"{root}/lib64"
    runtime = {f"{target}/{parts.cudart.name}": parts.cudart, f"{target}/libcudart.so.10.1": parts.cudart}
    headers = {f"{root}/include/{path.relative_to(parts.cuda_headers)}": path for path in files(parts.cuda_headers)}
    linked = {f"{target}/libcudart.so": parts.cudart, f"{target}/libcudart_static.a": parts.cudart_static}
    blas = "libcublas-dev (>= 10.2.1.243), libcublas10 (>= 10.2.1.243), " if release == "10.1" else ""
    return [
        Package(name=f"cuda-license-{dash}", version=version, files={f"{root}/LICENSE": Path(__file__)}),
        Package(name=f"cuda-cudart-{dash}", version=version, depends=f"cuda-license-{dash}", files=runtime),
        Package(
            name=f"cuda-cudart-dev-{dash}",
            version=version,
            depends=f"cuda-cudart-{dash} (>= {full})",
            files={**headers, **linked},
        ),
        Package(name=f"cuda-nvtx-{dash}", version=version, depends=f"cuda-license-{dash}"),
        Package(name=f"cuda-minimal-build-{dash}", version=version, depends=f"cuda-cudart-dev-{dash} (>= {full})"),
        Package(
            name=f"cuda-libraries-{dash}",
            version=version,
            depends=f"{blas.replace('libcublas-dev (>= 10.2.1.243), ', '')}cuda-cudart-{dash} (>= {full})",
        ),
        Package(
            name=f"cuda-libraries-dev-{dash}", version=version, depends=f"{blas}cuda-cudart-dev-{dash} (>= {full})"
        ),
    ]


def cuda_repository(parts: Parts) -> list[Package]:
    """CUDA 10.0 and 10.1 as pinned, the cuBLAS of 10.1, and a newer one that brings 10.2 in."""
    newer = Package(
        name="cuda-license-10-2", version="10.2.89-1", files={"usr/local/cuda-10.2/LICENSE": Path(__file__)}
    )
    blas = [
        package
        for version, depends in (("10.2.1.243-1", "cuda-license-10-1"), ("10.2.2.89-1", "cuda-license-10-2"))
        for package in (
            Package(name="libcublas10", version=version, depends=depends),
            Package(name="libcublas-dev", version=version, depends=f"libcublas10 (>= {version[:-2]})"),
        )
    ]
    return [*cuda("10.0", "10.0.130", parts), *cuda("10.1", "10.1.243", parts), newer, *blas]


def machine_learning_repository(parts: Parts) -> list[Package]:
    """Several NCCLs and cuDNNs; a -dev package wants the very version of its library."""
    found = []
    for version in ("2.4.8-1+cuda10.0", "2.4.8-1+cuda10.1", "2.7.8-1+cuda10.2", "2.8.3-1+cuda11.0"):
        library = {f"{LIBRARIES}/libnccl.so.2": parts.nccl / "libnccl.so.2"}
        development = {
            "usr/include/nccl.h": parts.nccl / "nccl.h",
            f"{LIBRARIES}/libnccl_static.a": parts.nccl / "libnccl_static.a",
            f"{LIBRARIES}/libnccl.so": parts.nccl / "libnccl.so.2",
        }
        found += [
            Package(name="libnccl2", version=version, files=library),
            Package(name="libnccl-dev", version=version, depends=f"libnccl2 (= {version})", files=development),
        ]
    for version in ("7.6.3.30-1+cuda10.0", "7.6.3.30-1+cuda10.1", "7.6.5.32-1+cuda10.2"):
        found.append(Package(name="libcudnn7", version=version))
    return found


def files(directory: Path) -> Iterable[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def write(packages: Iterable[Package], key: str, home: Path, directory: Path) -> None:
    """A flat repository of these packages in the directory, signed by the key of that GnuPG home."""
    directory.mkdir(parents=True)
    stanzas = [built(package, directory) for package in packages]
    index = "\n".join(stanzas).encode()
    (directory / "Packages").write_bytes(index)
    (directory / "Packages.gz").write_bytes(gzip.compress(index, mtime=0))
    sums = "".join(
        f" {hashlib.sha256((directory / name).read_bytes()).hexdigest()} {(directory / name).stat().st_size} {name}\n"
        for name in ("Packages", "Packages.gz")
    )
    release = f"Origin: rehearsal\nLabel: rehearsal\nDate: Sat, 01 Jan 2000 00:00:00 UTC\nSHA256:\n{sums}"
    (directory / "Release").write_text(release, "utf-8")
    sign = ("gpg", f"--homedir={home}", "--batch", "--yes", f"--local-user={key}", "--digest-algo=SHA256")
    for options, name in ((("--clearsign",), "InRelease"), (("--armor", "--detach-sign"), "Release.gpg")):
        subprocess.run([*sign, *options, f"--output={directory / name}", str(directory / "Release")], check=True)


def built(package: Package, directory: Path) -> str:
    """Build the .deb of a package; returns its stanza of the index."""
    name = f"{package.name}_{package.version.replace(':', '%3a')}_amd64.deb"
    root = directory / f"{name}.root"
    for path, file in package.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).hardlink_to(file) if same_disk(file, directory) else (root / path).write_bytes(file.read_bytes())
    (root / "DEBIAN").mkdir(parents=True)
    control = f"Package: {package.name}\nVersion: {package.version}\nArchitecture: amd64\nMaintainer: a rehearsal <nobody@example.org>\n"
    control += f"Depends: {package.depends}\n" if package.depends else ""
    control += f"Description: a stand-in for {package.name}, made for a rehearsal\n"
    (root / "DEBIAN/control").write_text(control, "utf-8")
    # Ubuntu 16.04's dpkg reads no zstd.
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", str(root), str(directory / name)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(["rm", "-rf", str(root)], check=True)
    data = (directory / name).read_bytes()
    return f"{control}Filename: ./{name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"


def same_disk(file: Path, directory: Path) -> bool:
    return file.stat().st_dev == directory.stat().st_dev


def keys(home: Path, names: Iterable[str]) -> dict[str, str]:
    """A key for each name, made once in that GnuPG home; returns the fingerprints."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = {}
    for name in names:
        who = f"{name} of a rehearsal <{name}@example.org>"
        listed = ("gpg", f"--homedir={home}", "--batch", "--with-colons", "--list-keys", f"={who}")
        if subprocess.run(listed, capture_output=True, check=False).returncode:
            make = (
                "gpg",
                f"--homedir={home}",
                "--batch",
                "--passphrase=",
                "--quick-generate-key",
                who,
                "rsa3072",
                "sign",
                "never",
            )
            subprocess.run(make, check=True)
        said = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
        found[name] = next(line.split(":")[9] for line in said.splitlines() if line.startswith("fpr:"))
    return found


def public(home: Path, fingerprint: str) -> bytes:
    """The key as its owner would serve it."""
    return subprocess.run(
        ["gpg", f"--homedir={home}", "--armor", "--export", fingerprint], capture_output=True, check=True
    ).stdout
