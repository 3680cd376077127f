"""`python -m tests.rehearsal [--given DIR] ROW...`: builds and verifies rows of the documented platform on stand-ins.

What is compiled and packed is kept in the cache, so that a second row takes minutes. ROW is a cell such as
`pytorch/1.6.0-cpu-ubuntu16.04`, or a pattern of cells.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from builder.build.bases import ensure_base
from builder.build.records import RECORD
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
PYTHON = "3.6.9"
CONDA_WHEELS = (
    *("certifi==2018.8.24", "chardet==3.0.4", "idna==2.7", "requests==2.19.1", "urllib3==1.23"),
    *("ruamel.yaml==0.16.13", "ruamel.yaml.clib==0.2.6"),
)
"""What conda 4.5.11 imports."""
INSTALLER_WHEELS = ("pip==10.0.1", "setuptools==40.0.0", "wheel==0.31.1")
NO_SOLVER = b"def _no(*_, **__):\n    raise RuntimeError('no solver runs in a build')\nsolve = itersolve = _no\n"
CUDA_RUNTIME = (
    "cuda*.h",
    "crt/*",
    "*_types.h",
    "*_functions.h*",
    "*_functions_*.h*",
    "sm_*",
    "vector_*",
    "*_texture*",
    "*_surface*",
    "host_*",
    "device_*",
    "math_*",
    "common_functions.h",
    "builtin_types.h",
    "library_types.h",
    "channel_descriptor.h",
    "driver_types.h",
    "texture_*",
    "surface_*",
    "cooperative_groups*",
    "cu*.h",
)


def main() -> int:
    """Make what is missing, then build; returns the exit code of `build`."""
    options = arguments()
    cache = cache_directory() / "rehearsal"
    found = stand_ins(cache, options.given or cache / "given")
    matrix = world.write(ROOT, found, cache / "world")
    with world.served(found):
        for words in (["render"], ["build", "--repository=rehearsal-not-the-real-thing", *options.rest]):
            only = [f"--only={row}" for row in options.rows]
            command = [sys.executable, "-m", "builder", *words, *only, f"--matrix={matrix}"]
            site = [f"--site={matrix.with_name('site.yaml')}"] if words[0] == "build" else []
            if code := subprocess.run(
                [*command, *site], check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
            ).returncode:
                return code
    print(f"passed; to write that down: {RECORD} {' '.join(f'--only={row}' for row in options.rows)}", file=sys.stderr)
    return 0


def arguments() -> argparse.Namespace:
    """The rows, and in `rest` the flags that `build` gets besides."""
    parser = argparse.ArgumentParser(prog="python -m tests.rehearsal", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--given", type=Path, help="a directory with conda's and Open MPI's sources: " + str(sources.GIVEN)
    )
    parser.add_argument("rows", nargs="+", metavar="ROW")
    parsed, rest = parser.parse_known_args()
    parsed.rest = rest
    return parsed


def stand_ins(cache: Path, given: Path) -> StandIns:
    """Everything that is served, made where it is missing."""
    (cache / "sources").mkdir(parents=True, exist_ok=True)
    compiled = {name: compiled_part(name, cache, given) for name in ("python", "openmpi", "nccl")}
    served = cache / "served"
    served.mkdir(exist_ok=True)
    if not (served / "openmpi.tar.bz2").exists():
        shutil.copy(compiled["openmpi"] / "openmpi.tar.bz2", served)
    conda = conda_environment(cache, served, compiled["python"], given)
    names = ("nvidia-cuda", "nvidia-machine-learning")
    fingerprints = apt_repository.keys(cache / "gnupg", names)
    repositories(cache, served, compiled["nccl"], fingerprints)
    certificate = make(cache / "certificate", world.HOST, load_site().ca_bundle)
    return StandIns(served=served, python=PYTHON, conda=conda, fingerprints=fingerprints, certificate=certificate)


def compiled_part(name: str, cache: Path, given: Path) -> Path:
    """A stage of compiled.Dockerfile as a directory, on the bootstrapped base of the platform."""
    target = cache / "compiled" / name
    if target.exists():
        return target
    context = cache / "context"
    context.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("compiled.Dockerfile"), context / "Dockerfile")
    shutil.copy(Path(__file__).with_name("nccl.h"), context)
    archive = f"python{PYTHON[:3]}_{PYTHON}.orig.tar.xz"
    shutil.copy(
        sources.source_package("bionic", "main", "python3.6", archive, cache / "sources"), context / "python.tar.xz"
    )
    shutil.copy(sources.given(given, "openmpi-3.1.2.tar.gz"), context / "openmpi.tar.gz")
    platform = next(spec.platform for spec in load(ROOT / "matrix.yaml").cells if spec.platform.name == PLATFORM)
    base = ensure_base(platform, Site(base="bootstrap"), cache_directory())
    command = ["docker", "buildx", "build", f"--build-context=base=oci-layout://{base.path}@{base.digest}"]
    part = target.with_suffix(".part")
    subprocess.run([*command, f"--target={name}", f"--output=type=local,dest={part}", str(context)], check=True)
    part.rename(target)
    return target


def conda_environment(cache: Path, served: Path, python: Path, given: Path) -> tuple[CondaPackage, ...]:
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


def conda_itself(cache: Path, given: Path, wheels: dict[str, Path]) -> Path:
    """Conda 4.5.11's own code with what it imports as one package; its solver is one that refuses."""
    source = cache / "conda"
    if not source.exists():
        source.mkdir()
        subprocess.run(
            ["tar", "-xzf", str(sources.given(given, sources.CONDA)), "--strip-components=1", "-C", str(source)],
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
        f"{site}/conda/.version": b"4.5.11",
        f"{site}/pycosat.py": NO_SOLVER,
        "bin/conda": conda_packages.script(prefix, "conda.cli"),
    }
    conda_packages.pack("conda-4.5.11-py36_0", files, prefix, cache)
    return cache / "conda-4.5.11-py36_0.tar.bz2"


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


if __name__ == "__main__":
    sys.exit(main())
