"""What a site supplies to a build."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from builder.build import site_inputs
from builder.build.bases import Base
from builder.errors import BuilderError
from builder.host.files import link
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from builder.matrix.names import cell
from builder.matrix.spec import CONDA, EPOCH

ROOT = Path(__file__).parents[3]


def test_a_pulled_base_comes_from_the_mirror_of_the_site() -> None:
    row = next(spec for spec in load_matrix(ROOT / "matrix.yaml").cells if spec.platform.name == "debian12")
    site = Site(registry_mirrors=("https://mirror.example/",))
    pulled = Base(kind="pulled", digest=row.platform.base_digest)
    with site_inputs.supplies(site, row, ()) as supplied:
        stages = site_inputs.Stages(contexts={}, hashes={})
        found = site_inputs.inputs(row, site, supplied, base=pulled, stages=stages, fingerprint="0", made_from="{}")
    assert found.arguments == {"SOURCE_DATE_EPOCH": str(EPOCH)}
    assert found.stages["toolchain-base"] == found.stages["base"]
    assert found.stages["base"] == f"docker-image://mirror.example/library/debian@{row.platform.base_digest}"


@pytest.fixture
def links(tmp_path: Path) -> tuple[Path, Path]:
    """Two directories of wheels."""
    for name, files in {"a": ("one.whl", "both.whl"), "b": ("two.whl", "both.whl", "other.whl")}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text(name, "utf-8")
    return tmp_path / "a", tmp_path / "b"


def test_a_build_gets_the_files_it_installs_and_no_others(links: tuple[Path, Path]) -> None:
    (links[1] / "linked.whl").symlink_to("other.whl")
    wanted = ("one.whl", "two.whl", "both.whl", "linked.whl", "nowhere.whl")
    with site_inputs.wheels(Site(find_links=links), wanted) as joined:
        assert joined
        assert {path.name: path.read_text("utf-8") for path in joined.iterdir()} == {
            "one.whl": "a",
            "two.whl": "b",
            "both.whl": "a",
            "linked.whl": "b",
        }
        assert not any(path.is_symlink() for path in joined.iterdir())
        assert (joined / "one.whl").samefile(links[0] / "one.whl"), "no byte is copied"
    assert not joined.exists()
    assert (links[0] / "one.whl").read_text() == "a"
    with site_inputs.wheels(Site(find_links=links, wheelhouse=links[1]), wanted) as joined:
        assert joined
        assert {path.name for path in joined.iterdir()} == {"two.whl", "both.whl", "linked.whl"}
    with site_inputs.wheels(Site(find_links=links), ["nowhere.whl"]) as joined:
        assert joined is None


def test_on_another_disk_the_files_are_copied(links: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    other = Path("/dev/shm")
    monkeypatch.setattr(tempfile, "tempdir", str(other if other.is_dir() else tempfile.gettempdir()))
    with site_inputs.wheels(Site(find_links=links), ["one.whl"]) as joined:
        assert joined
        assert (joined / "one.whl").read_text() == "a"
    closed = links[0] / "one.whl"
    with pytest.raises(BuilderError, match="No such file or directory") as caught:
        link(closed, closed.parent / "nowhere" / "one.whl")
    assert "TMPDIR=DIR" in str(caught.value.hint)


def test_downloads_are_rewritten_and_the_lists_of_apt_are_the_platforms_own() -> None:
    """NVIDIA's keys and repositories, and conda's channel, too; a mirror of Debian does not hide Ubuntu's archive."""
    cells = {cell(spec): spec for spec in load_matrix(ROOT / "matrix.yaml").cells}
    gpu, debian = cells["pytorch/1.6.0-gpu-ubuntu16.04"], cells["pytorch/1.6.0-gpu-debian12"]
    site = Site(
        downloads=(("https://developer.download.nvidia.com/", "https://n.example/"), (f"{CONDA}", "http://c.example")),
        apt_sources="deb http://d.example bookworm main\ndeb http://u.example xenial-updates main\n",
    )
    assert site_inputs.elsewhere(gpu, site) == {
        f"KEY_URL_{number}": f"https://n.example/compute/{path}.pub"
        for number, path in (
            (1, "cuda/repos/ubuntu1604/x86_64/3bf863cc"),
            (2, "machine-learning/repos/ubuntu1604/x86_64/7fa2af80"),
        )
    } | {"CONDA_URL": "http://c.example"}
    assert site_inputs.elsewhere(gpu, Site()) == {}
    found = site_inputs.for_row(site, gpu)
    assert found["repositories"] == (
        "deb https://n.example/compute/cuda/repos/ubuntu1604/x86_64 /\n"
        "deb https://n.example/compute/machine-learning/repos/ubuntu1604/x86_64 /\n"
    )
    assert found["apt_sources"] == "deb http://u.example xenial-updates main\n"
    assert site_inputs.for_row(site, debian)["apt_sources"] == "deb http://d.example bookworm main\n"
    only_debian = replace(site, apt_sources="deb http://d.example bookworm main\n")
    assert site_inputs.for_row(only_debian, gpu)["apt_sources"] is None
    assert "SourceList" not in (site_inputs.for_row(only_debian, gpu)["apt_conf"] or "")
