"""What a site supplies to a build."""

from pathlib import Path

from builder import supply
from builder.bootstrap import Base
from builder.matrix import load as load_matrix
from builder.site import Site
from builder.spec import EPOCH

ROOT = Path(__file__).parents[2]


def test_a_pulled_base_comes_from_the_mirror_of_the_site() -> None:
    cell = next(spec for spec in load_matrix(ROOT / "matrix.yaml").cells if spec.platform.name == "debian12")
    site = Site(registry_mirrors=("https://mirror.example/",))
    pulled = Base(kind="pulled", digest=cell.platform.base_digest)
    with supply.supplies(site) as supplied:
        stages = supply.Stages(contexts={}, hashes={})
        found = supply.inputs(cell, site, supplied, base=pulled, stages=stages, fingerprint="0", made_from="{}")
    assert found.arguments == {"SOURCE_DATE_EPOCH": str(EPOCH)}
    assert found.stages["toolchain-base"] == found.stages["base"]
    assert found.stages["base"] == f"docker-image://mirror.example/library/debian@{cell.platform.base_digest}"


def test_several_find_links_directories_become_one(tmp_path: Path) -> None:
    for name, files in {"a": ("one.whl", "both.whl"), "b": ("two.whl", "both.whl")}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text(name, "utf-8")
    with supply.wheels(Site(find_links=(tmp_path / "a", tmp_path / "b"))) as joined:
        assert joined
        assert {path.name: path.read_text("utf-8") for path in joined.iterdir()} == {
            "one.whl": "a",
            "two.whl": "b",
            "both.whl": "a",
        }
    assert not joined.exists()


def test_conda_gets_the_bundle_and_the_mirror_of_the_site(tmp_path: Path) -> None:
    site = Site(
        ca_bundle=tmp_path / "ca.pem", downloads=(("https://repo.anaconda.com/", "https://mirror.example/conda/"),)
    )
    text = supply.conda_conf(site)
    assert text
    assert "ssl_verify: /run/secrets/ca\n" in text
    assert "  - https://mirror.example/conda/pkgs/main\n" in text
    assert supply.conda_conf(Site()) is None
