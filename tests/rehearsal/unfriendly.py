"""Each unfriendliness of the originals, on the real Ubuntu 16.04: the lines of before fail on it, those of now do not.

`make rehearsal` has made the stand-ins; `make unfriendly` runs this.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.build.bases import ensure_base
from builder.build.buildx_run import cause_of
from builder.host.cache import cache_directory
from builder.host.site import Site
from builder.matrix.load import load
from tests.rehearsal import world
from tests.rehearsal.stand_ins import ROOT, stand_ins
from tests.rehearsal.world import HOST, HTTP, HTTPS, PLATFORM, StandIns

CELLS = load(ROOT / "matrix.yaml").cells
LISTS = "\n".join(
    f"RUN echo 'deb [trusted=yes] http://{HOST}:{HTTP}/{name} /' > /etc/apt/sources.list.d/{name}.list"
    for name in ("nvidia-cuda", "nvidia-machine-learning")
)
UPDATED = f"{LISTS}\nRUN apt-get update\n"
BUILD = next(spec for spec in CELLS if (spec.version, spec.device, spec.platform.name) == ("1.6.0", "gpu", PLATFORM))
NVIDIA = [name for name in BUILD.packages.build if name.startswith(("cuda-", "lib"))]
BEFORE = [name for name in NVIDIA if not name.startswith(("libnccl2", "libcublas10"))]
"""The list as it was."""
MINICONDA = f"ADD http://{HOST}:{HTTP}/miniconda.sh /src/miniconda.sh\n"
INSTALL = "RUN bash /src/miniconda.sh -b -f -p /opt/miniconda"


@pytest.fixture(scope="module", autouse=True)
def found() -> Iterator[StandIns]:
    made = stand_ins(None)
    with world.served(made):
        yield made


@pytest.fixture(scope="module")
def base() -> str:
    platform = next(spec.platform for spec in CELLS if spec.platform.name == PLATFORM)
    made = ensure_base(platform, Site(base="bootstrap"), cache_directory())
    return f"base=oci-layout://{made.path}@{made.digest}"


def run(base: str, lines: str, directory: Path, *words: str) -> tuple[int, str]:
    """Build these lines on the base, for nothing but what they say; `words` are more of the command line."""
    (directory / "Dockerfile").write_text(f'FROM base\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\n{lines}\n', "utf-8")
    command = ["docker", "buildx", "build", f"--build-context={base}", "--progress=plain", "--output=type=cacheonly"]
    done = subprocess.run([*command, *words, str(directory)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_apt_takes_the_newest_of_what_is_not_pinned(base: str, tmp_path: Path) -> None:
    code, said = run(base, f"{UPDATED}RUN apt-get --simulate install {' '.join(BEFORE)}", tmp_path)
    assert code
    assert "libnccl2 (= 2.4.8-1+cuda10.1) but 2.8.3-1+cuda11.0 is to be installed" in said
    assert "pin that one too" in (cause_of(said) or "")
    assert run(base, f"{UPDATED}RUN apt-get --simulate install {' '.join(NVIDIA)}", tmp_path)[0] == 0


def test_a_newer_cublas_brings_a_second_cuda_in(base: str, tmp_path: Path) -> None:
    simulated = f"{UPDATED}RUN apt-get --simulate install %s | tee /dev/stderr | grep -c 'Inst cuda-license-10-2'"
    with_nccl = [*BEFORE, *(name for name in NVIDIA if name.startswith("libnccl2"))]
    assert run(base, simulated % " ".join(with_nccl), tmp_path)[0] == 0
    assert run(base, simulated % " ".join(NVIDIA), tmp_path)[0] != 0


def test_no_package_makes_the_link(base: str, tmp_path: Path) -> None:
    installed = f"{UPDATED}RUN apt-get install -y {' '.join(NVIDIA)}\n"
    assert run(base, f"{installed}RUN test -e /usr/local/cuda/include/cuda.h", tmp_path)[0] != 0
    linked = "RUN ln -s /usr/local/cuda-[0-9]* /usr/local/cuda\nRUN test -e /usr/local/cuda/include/cuda.h"
    assert run(base, f"{installed}{linked}", tmp_path)[0] == 0


def test_conda_s_clean_keeps_what_is_hard_linked(base: str, tmp_path: Path) -> None:
    kept = 'RUN test -z "$(find /opt/miniconda/pkgs -mindepth 1 -maxdepth 1 -type d ! -name cache)"'
    before = f"{MINICONDA}{INSTALL} && /opt/miniconda/bin/conda clean --all --yes\n{kept}"
    assert run(base, f"RUN apt-get update && apt-get install -y bzip2\n{before}", tmp_path)[0] != 0
    now = f"{MINICONDA}{INSTALL} && rm -rf /opt/miniconda/pkgs/*\n{kept}"
    assert run(base, f"RUN apt-get update && apt-get install -y bzip2\n{now}", tmp_path)[0] == 0


def test_apt_speaks_no_https_until_its_package_is_there(base: str, found: StandIns, tmp_path: Path) -> None:
    line = f"echo 'deb [trusted=yes] https://{HOST}:{HTTPS}/nvidia-cuda /' > /etc/apt/sources.list.d/n.list"
    update = "apt-get -o Acquire::https::CAInfo=/run/secrets/ca update 2>&1 | tee /dev/stderr | { ! grep -E '^(E:|Err)|Failed to fetch'; }"
    mount = "RUN --mount=type=secret,id=ca,mode=0444"
    secret = f"--secret=id=ca,src={found.certificate}"
    before = f"RUN dpkg --purge apt-transport-https && {line}\n{mount} {update}"
    code, said = run(base, before, tmp_path, secret)
    assert code
    assert "apt-transport-https" in (cause_of(said) or "")
    now = f"RUN apt-get update && apt-get install -y apt-transport-https && {line}\n{mount} {update}"
    assert run(base, now, tmp_path, secret)[0] == 0
    assert run(base, f"RUN {line}\nRUN {update}", tmp_path)[0] != 0, "nobody else trusts that certificate"


def test_a_key_that_is_not_the_pinned_one_ends_the_build(base: str, found: StandIns, tmp_path: Path) -> None:
    (tmp_path / "fingerprints.txt").write_text("EB693B3035CD5710E231E123A4B469963BF863CC\n")
    key = f"ADD http://{HOST}:{HTTP}/nvidia-cuda.asc /k.asc\nCOPY fingerprints.txt /\nENV GNUPGHOME=/run/gnupg\n"
    check = "RUN mkdir -m 0700 $GNUPGHOME && gpg --with-fingerprint --with-colons /k.asc | sed -n 's/^fpr:*\\([0-9A-F]*\\):*$/\\1/p' | diff /fingerprints.txt -"
    code, said = run(base, key + check, tmp_path)
    assert code
    assert "compare its fingerprint" in (cause_of(said.replace("#", "\n#")) or "") or "EB693B30" in said
    (tmp_path / "fingerprints.txt").write_text(found.fingerprints["nvidia-cuda"] + "\n")
    assert run(base, key + check, tmp_path)[0] == 0


def test_pip_cannot_uninstall_conda_s_certifi(base: str, tmp_path: Path) -> None:
    """Its record is one flat egg-info; so no certifi is in the explicit list, and the rows install pip's own."""
    site, pip = "/opt/miniconda/lib/python3.6/site-packages", "/opt/miniconda/bin/python -m pip"
    (tmp_path / "certifi.egg-info").write_text("Metadata-Version: 1.1\nName: certifi\nVersion: 2018.8.24\n")
    flat = f"RUN rm -rf {site}/certifi-*\nCOPY certifi.egg-info {site}/certifi-2018.8.24-py3.6.egg-info\n"
    for name in ("pip==21.3.1", "certifi==2021.10.8"):
        command = ["pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", f"--dest={tmp_path}", name]
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    wheels = f"RUN apt-get update && apt-get install -y bzip2\n{MINICONDA}{INSTALL}\nCOPY *.whl /w/\n"
    newer = f"RUN cd /tmp && PYTHONPATH=/w/pip-21.3.1-py3-none-any.whl {pip} install --no-index --no-deps --root /layer"
    code, said = run(base, f"{wheels}{flat}{newer} /w/certifi*", tmp_path)
    assert code
    assert "Cannot uninstall 'certifi'. It is a distutils installed project" in said
    without = f"RUN rm -rf {site}/certifi*\n"
    assert run(base, f"{wheels}{without}{newer} /w/certifi*", tmp_path)[0] == 0


def test_useradd_writes_the_day(base: str, tmp_path: Path) -> None:
    day = 'test "$(sed -n "s/^trainer:[^:]*:\\([0-9]*\\):.*/\\1/p" /etc/shadow)" = 10957'
    add = "RUN useradd --create-home trainer"
    assert run(base, f"{add} && {day}", tmp_path)[0] != 0
    mended = 'sed -i -E "s/^([^:]*:[^:]*:)[0-9]+/\\1$((946684800 / 86400))/" /etc/shadow'
    assert run(base, f"{add} && {mended} && {day}", tmp_path)[0] == 0
