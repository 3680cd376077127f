"""The proposed site file: a platform that can be bootstrapped is not one that can be built."""

from pathlib import Path

import pytest

from builder.host import reachability, site_proposal
from builder.matrix.load import load

CELLS = load(Path(__file__).parents[3] / "matrix.yaml").cells
UBUNTU = next(spec.platform for spec in CELLS if spec.platform.name == "ubuntu16.04")
SILENT = "no address"
EVERYTHING = {
    reachability.CONDA_PACKAGES,
    *(f"download {source.name}" for spec in CELLS for source in spec.sources),
    *(f"packages {one.name}" for spec in CELLS for one in spec.repositories),
    *(f"base image {spec.platform.name}" for spec in CELLS),
    *(reachability.mirror(spec.platform) for spec in CELLS),
}


@pytest.fixture(autouse=True)
def no_pyenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))


def proposed(*silent: str) -> list[str]:
    answers = {name: SILENT if name in silent else "" for name in EVERYTHING}
    return site_proposal.propose(CELLS, answers)[0].splitlines()[1:]


def test_where_everything_answers_nothing_is_written() -> None:
    assert proposed() == []


def test_ubuntu_s_archive_alone_does_not_make_the_documented_platform() -> None:
    silent = (
        *("base image ubuntu16.04", "base image debian12", "download miniconda-4.5.11", "download openmpi-3.1.2"),
        *("packages nvidia-cuda", "packages nvidia-machine-learning"),
    )
    assert reachability.mirror(UBUNTU) == "Ubuntu mirror ubuntu16.04"
    assert proposed(*silent) == ["default-platform: debian12", "base: bootstrap"]


def test_without_an_image_registry_the_documented_platform_is_bootstrapped() -> None:
    assert proposed("base image ubuntu16.04", "base image debian12") == ["base: bootstrap"]


def test_without_conda_s_channel_the_documented_platform_cannot_be_built() -> None:
    assert proposed(reachability.CONDA_PACKAGES) == ["default-platform: debian12"]


def test_without_registry_and_mirror_its_base_is_missing() -> None:
    silent = ("base image ubuntu16.04", "Ubuntu mirror ubuntu16.04")
    assert proposed(*silent) == ["default-platform: debian12"]
