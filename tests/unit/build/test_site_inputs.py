"""What a site supplies to a build."""

import tempfile
from pathlib import Path

import pytest

from builder.build import site_inputs
from builder.build.bases import Base
from builder.errors import BuilderError
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from builder.matrix.spec import EPOCH

ROOT = Path(__file__).parents[3]


def test_a_pulled_base_comes_from_the_mirror_of_the_site() -> None:
    cell = next(spec for spec in load_matrix(ROOT / "matrix.yaml").cells if spec.platform.name == "debian12")
    site = Site(registry_mirrors=("https://mirror.example/",))
    pulled = Base(kind="pulled", digest=cell.platform.base_digest)
    with site_inputs.supplies(site, ()) as supplied:
        stages = site_inputs.Stages(contexts={}, hashes={})
        found = site_inputs.inputs(cell, site, supplied, base=pulled, stages=stages, fingerprint="0", made_from="{}")
    assert found.arguments == {"SOURCE_DATE_EPOCH": str(EPOCH)}
    assert found.stages["toolchain-base"] == found.stages["base"]
    assert found.stages["base"] == f"docker-image://mirror.example/library/debian@{cell.platform.base_digest}"


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
        site_inputs.link(closed, closed.parent / "nowhere" / "one.whl")
    assert "TMPDIR=DIR" in str(caught.value.hint)


def test_conda_gets_the_bundle_and_the_mirror_of_the_site(tmp_path: Path) -> None:
    site = Site(
        ca_bundle=tmp_path / "ca.pem", downloads=(("https://repo.anaconda.com/", "https://mirror.example/conda/"),)
    )
    text = site_inputs.conda_conf(site)
    assert text
    assert "ssl_verify: /run/secrets/ca\n" in text
    assert "  - https://mirror.example/conda/pkgs/main\n" in text
    assert site_inputs.conda_conf(Site()) is None
