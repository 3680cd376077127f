"""The stand-ins, each made once: what is compiled on the platform's own base, conda's channel, NVIDIA's repositories."""

import shutil
import subprocess
import sys
from pathlib import Path

from builder.build.bases import ensure_base
from builder.dependencies import lockfile
from builder.host.cache import cache_directory
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.matrix.load import load
from builder.matrix.spec import CondaPackage
from tests.rehearsal import apt_repository, conda_packages, sources, world
from tests.rehearsal.certificate import make
from tests.rehearsal.world import PLATFORM, StandIns

ROOT = Path(__file__).parents[2]
PYTHON = sources.PACKAGED["python"]
"""The one in the place of conda's."""
CONDA_WHEELS = (
    *("certifi==2018.8.24", "chardet==3.0.4", "idna==2.7", "requests==2.19.1", "urllib3==1.23"),
    *("ruamel.yaml==0.16.13", "ruamel.yaml.clib==0.2.6"),
)
"""What conda imports."""
INSTALLER_WHEELS = ("pip==10.0.1", "setuptools==40.0.0", "wheel==0.31.1")
NO_SOLVER = b"def _no(*_, **__):\n    raise RuntimeError('no solver runs in a build')\nsolve = itersolve = _no\n"
CUDA_RUNTIME = ("*.h", "*.hpp", "crt/*")
"""The headers of CUDA's runtime, which everything that is compiled for it includes."""


def cache_of(given: Path | None) -> Path:
    """Where the stand-ins are kept: those of the pinned releases apart from those that packages give."""
    return cache_directory() / "rehearsal" / ("pinned" if given else "packaged")


def stand_ins(given: Path | None) -> StandIns:
    """Everything that is served, made where it is missing; `given` is a directory with the pinned releases."""
    cache = cache_of(given)
    (cache / "sources").mkdir(parents=True, exist_ok=True)
    compiled = {name: compiled_part(name, cache, given) for name in ("python", "openmpi", "nccl")}
    served = cache / "served"
    served.mkdir(exist_ok=True)
    if not (served / "openmpi.tar.bz2").exists():
        shutil.copy(compiled["openmpi"] / "openmpi.tar.bz2", served)
    shutil.copy(sources.python(given, cache / "sources"), served / "python.tar.xz")
    conda = conda_environment(cache, served, compiled["python"], given)
    names = ("nvidia-cuda", "nvidia-machine-learning")
    fingerprints = apt_repository.keys(cache / "gnupg", names)
    repositories(cache, served, compiled["nccl"], fingerprints)
    certificate = make(cache / "certificate", world.HOST, load_site().ca_bundle)
    return StandIns(
        served=served,
        python=PYTHON,
        sources=versions(given),
        conda=conda,
        fingerprints=fingerprints,
        certificate=certificate,
    )


def versions(given: Path | None) -> dict[str, str]:
    """The releases that the stand-ins are made from, by the names of their sources."""
    return sources.PINNED if given else sources.PACKAGED


def compiled_part(name: str, cache: Path, given: Path | None) -> Path:
    """A stage of compiled.Dockerfile as a directory, on the bootstrapped base of the platform."""
    target = cache / "compiled" / name
    if target.exists():
        return target
    context = cache / "context"
    context.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("compiled.Dockerfile"), context / "Dockerfile")
    shutil.copy(Path(__file__).with_name("nccl.h"), context)
    shutil.copy(sources.ubuntu_python(cache / "sources"), context / "python.tar.xz")
    shutil.copy(sources.openmpi(given, cache / "sources"), context / "openmpi.tar")
    platform = next(spec.platform for spec in load(ROOT / "matrix.yaml").cells if spec.platform.name == PLATFORM)
    base = ensure_base(platform, Site(base="bootstrap"), cache_directory())
    command = ["docker", "buildx", "build", f"--build-context=base=oci-layout://{base.path}@{base.digest}"]
    part = target.with_suffix(".part")
    subprocess.run([*command, f"--target={name}", f"--output=type=local,dest={part}", str(context)], check=True)
    part.rename(target)
    return target


def conda_environment(cache: Path, served: Path, python: Path, given: Path | None) -> tuple[CondaPackage, ...]:
    """Conda's channel and the installer; returns the packages of the environment."""
    channel = served / "conda" / conda_packages.CHANNEL
    if not (served / "miniconda.sh").exists():
        shutil.rmtree(channel, ignore_errors=True)
        channel.mkdir(parents=True)
        wheels = downloaded_wheels(cache / "wheels")
        pinned = lockfile.load(ROOT / "builder.lock").conda["python==3.6.2"]
        names = [one.file.removesuffix(".tar.bz2") for one in pinned]
        conda_packages.environment(names, python, PYTHON, wheels, channel)
        base = [file for file in channel.iterdir() if file.name.partition("-")[0] not in ("pip", "setuptools", "wheel")]
        conda_packages.installer([*base, conda_itself(cache, given, wheels)], served / "miniconda.sh")
    return tuple(conda_packages.packed(file) for file in sorted(channel.iterdir()))


def conda_itself(cache: Path, given: Path | None, wheels: dict[str, Path]) -> Path:
    """Conda's own code with what it imports as one package; its solver is one that refuses."""
    version = versions(given)["miniconda"]
    source = cache / "conda"
    if not source.exists():
        source.mkdir()
        subprocess.run(
            ["tar", "-xf", str(sources.conda(given, cache / "sources")), "--strip-components=1", "-C", str(source)],
            check=True,
        )
    site = "lib/python3.6/site-packages"
    files: dict[str, bytes | Path] = {}
    for name in ("conda", "conda_env"):
        files |= {f"{site}/{name}/{path}": file for path, file in conda_packages.tree(source / name).items()}
    for requirement in CONDA_WHEELS:
        files |= conda_packages.wheel(wheels[requirement.partition("=")[0]])
    prefix = (cache / "compiled/python/prefix").read_text("utf-8").strip()
    files |= {
        f"{site}/conda/.version": version.encode(),
        f"{site}/pycosat.py": NO_SOLVER,
        "bin/conda": conda_packages.script(prefix, "conda.cli"),
    }
    conda_packages.pack(f"conda-{version}-py36_0", files, prefix, cache)
    return cache / f"conda-{version}-py36_0.tar.bz2"


def downloaded_wheels(directory: Path) -> dict[str, Path]:
    """The wheels of what conda imports and of the installers, by name."""
    if not directory.exists():
        platforms = [f"--platform=manylinux{one}_x86_64" for one in ("1", "2010", "2014")]
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--python-version=3.6",
            "--only-binary=:all:",
        ]
        subprocess.run([*pip, *platforms, f"--dest={directory}", *CONDA_WHEELS, *INSTALLER_WHEELS], check=True)
    return {file.name.partition("-")[0]: file for file in directory.iterdir()}


def repositories(cache: Path, served: Path, nccl: Path, fingerprints: dict[str, str]) -> None:
    """NVIDIA's two repositories and their keys."""
    if (served / "nvidia-machine-learning.asc").exists():
        return
    toolkit = sources.unpacked(
        sources.binary_package("focal", "multiverse", "nvidia-cuda-dev", cache / "sources"), cache / "cuda"
    )
    runtime = sources.unpacked(
        sources.binary_package("focal", "multiverse", "libcudart10.1", cache / "sources"), cache / "cudart"
    )
    headers = cache / "cuda-headers"
    shutil.rmtree(headers, ignore_errors=True)
    for pattern in CUDA_RUNTIME:
        for file in (toolkit / "usr/include").glob(pattern):
            if file.is_file():
                target = headers / file.relative_to(toolkit / "usr/include")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
    cudart = next(path for path in runtime.rglob("libcudart.so.10.1.*") if path.is_file() and not path.is_symlink())
    parts = apt_repository.Parts(
        cuda_headers=headers, cudart=cudart, cudart_static=next(toolkit.rglob("libcudart_static.a")), nccl=nccl
    )
    made = {
        "nvidia-cuda": apt_repository.cuda_repository,
        "nvidia-machine-learning": apt_repository.machine_learning_repository,
    }
    for name, packages in made.items():
        shutil.rmtree(served / name, ignore_errors=True)
        apt_repository.write(packages(parts), fingerprints[name], cache / "gnupg", served / name)
        (served / f"{name}.asc").write_bytes(apt_repository.public(cache / "gnupg", fingerprints[name]))
    subprocess.run(["gpgconf", f"--homedir={cache / 'gnupg'}", "--kill", "all"], check=True)
