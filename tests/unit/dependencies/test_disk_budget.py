"""A job that takes more disk than a machine has is said before it starts."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from builder.__main__ import main
from builder.dependencies import disk_budget, package_index
from builder.dependencies.disk_budget import COPIES, FIXED
from builder.host.site import Site
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.spec import Distribution, PinnedImage
from tests.support.command_line import ROOT
from tests.support.package_index import Index, serving

CELL = "scikit-learn/1.9.1-cpu-debian12"
GB = 1_000_000_000
FILES = {"toy-1.0-py3-none-any.whl": b"x" * 1000, "other-2.0-py3-none-any.whl": b"y" * 50}


def wheels(directory: Path, largest: int) -> Path:
    """A site whose directory has every locked file of the cell: one of that size without a byte on the disk."""
    directory.mkdir()
    locked = json.loads((ROOT / "builder.lock").read_text("utf-8"))["closures"][CELL]["distributions"]
    for name, line in locked.items():
        with (directory / line.split()[1]).open("wb") as file:
            file.truncate(largest if name == "scikit-learn" else 1)
    site = directory.parent / "site.yaml"
    site.write_text(yaml.safe_dump({"pip": {"find-links": [str(directory)]}}), "utf-8")
    return site


def jobs(site: Path, *more: str) -> int:
    return main(["ci", "matrix", f"--only={CELL}", f"--site={site}", *more])


def test_a_job_that_fits_is_there_and_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert jobs(wheels(tmp_path / "wheels", 6 * GB), "--disk=40GB", "--format=github") == 0
    said = capsys.readouterr()
    assert json.loads(said.out.partition("=")[2])["include"][0]["cells"] == CELL
    assert said.err == ""


def test_a_job_that_does_not_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = wheels(tmp_path / "wheels", 7 * GB)
    assert jobs(site, "--disk=40GB", "--format=github") == 0
    said = capsys.readouterr()
    assert said.out == 'matrix={"include":[]}\n'
    assert said.err.startswith(f"::warning::{CELL}: no job is started: its build takes about 44 GB of disk")
    assert jobs(site, "--disk=40GB") == 0
    assert capsys.readouterr().err.startswith(f"{CELL}: no job is started")
    assert jobs(site) == 0
    assert CELL in capsys.readouterr().out


@pytest.mark.parametrize("size", ["40", "40GB", "0GB", "40MB", "-1GB", "999999999GB", "x"])
def test_a_size_is_in_gigabytes(
    size: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    site = wheels(tmp_path / "wheels", 1)
    if size in {"40", "40GB"}:
        assert jobs(site, f"--disk={size}") == 0
        return
    with pytest.raises(SystemExit) as ended:
        jobs(site, f"--disk={size}")
    assert ended.value.code == 2
    assert "gigabytes" in capsys.readouterr().err


def image(**versions: str) -> PinnedImage:
    """A cell whose closure is these files of the index."""
    spec = next(one for one in load(ROOT / "matrix.yaml").cells if cell(one) == CELL)
    names = {name: f"{name}-{version}-py3-none-any.whl" for name, version in versions.items()}
    closure = tuple(
        Distribution(
            name=name, version=versions[name], file=file, sha256=hashlib.sha256(FILES.get(file, b"")).hexdigest()
        )
        for name, file in names.items()
    )
    return PinnedImage(spec=spec, distributions=closure)


def test_an_index_says_sizes_and_what_two_images_share_counts_once() -> None:
    both = [image(toy="1.0", other="2.0"), image(toy="1.0")]
    with serving(Index(files=FILES)) as index:
        known = disk_budget.sizes(both, Site(pip_index_url=index.url))
    assert sorted(known.values()) == [50, 1000]
    assert disk_budget.needed(both, known) == FIXED + COPIES * 1050


def test_what_the_index_does_not_say_is_left_out() -> None:
    with serving(Index(files=FILES)) as index:
        known = disk_budget.sizes([image(toy="1.0", gone="3.0")], Site(pip_index_url=index.url))
    assert disk_budget.unknown([image(toy="1.0", gone="3.0")], known) == ["gone-3.0-py3-none-any.whl"]


def test_an_index_that_does_not_answer_stops_no_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.yaml"
    with serving(Index(files={}, page=(403, "no"))) as index:
        site.write_text(yaml.safe_dump({"pip": {"index-url": index.url, "find-links": []}}), "utf-8")
        assert jobs(site, "--disk=40GB", "--format=github") == 0
    assert "so how much disk a job takes is not known" in capsys.readouterr().err


@pytest.mark.parametrize(("said", "size"), [(7, 7), ("7", 0), (None, 0), (-7, 0)])
def test_the_size_of_an_index_is_a_number(said: object, size: int) -> None:
    entry = {"filename": "a-1.whl", "url": "a-1.whl", "size": said}
    assert package_index.from_json(entry, "https://index.example/a/").size == size
