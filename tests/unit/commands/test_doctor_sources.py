"""`doctor --sources`: every source of a row on servers of this machine, and what the exit code says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.__main__ import main
from builder.dependencies import lockfile
from builder.registry.manifests import OCI_INDEX
from tests.support.command_line import ROOT
from tests.support.debian_mirror import mirror_site, packages_with
from tests.support.package_index import Index, serving
from tests.support.scripted_registry import Answer, scripted

ROW = "scikit-learn/1.9.1-cpu-debian12"
LOCKED = lockfile.load(ROOT / "builder.lock").closures[ROW].distributions
BASE = yaml.safe_load((ROOT / "matrix.yaml").read_text("utf-8"))["platforms"]["debian12"]["base"]["digest"]


def registry(_: str, __: str, ___: Mapping[str, str]) -> Answer:
    return 200, {"Content-Type": OCI_INDEX, "Docker-Content-Digest": BASE}, b""


def site_file(directory: Path, index: str, mirror: str, **more: object) -> Path:
    site = {
        "pip": {"index-url": f"{index}/simple", "find-links": []},
        "apt-sources": mirror_site(directory / "mirror", packages_with("4.1.4-3")).apt_sources,
        "registry-mirrors": [f"http://{mirror}"],
        **more,
    }
    (file := directory / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
    return file


def asked(site: Path, *words: str) -> int:
    return main(["doctor", "--sources", f"--site={site}", f"--matrix={ROOT / 'matrix.yaml'}", f"--only={ROW}", *words])


def document(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return list(json.loads(capsys.readouterr().out)["sources"])


def whole() -> Index:
    return Index(files={one.file: b"" for one in LOCKED}, promised={one.file: one.sha256 for one in LOCKED})


def test_a_world_that_is_whole_and_one_that_lost_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(whole()) as index, scripted(registry) as mirror:
        site = site_file(tmp_path, index.url, mirror)
        assert asked(site) == 0
        said = capsys.readouterr()
        assert (said.out.strip(), "3 sources asked in" in said.err) == ("", True)
        assert f": {len(LOCKED) + 2} answers" in said.err
        lost = LOCKED[0].file
        del index.files[lost]
        assert asked(site) == 1
        out = capsys.readouterr().out
        where = "site.yaml can name another: pip: index-url, find-links, or wheelhouse"
        assert out == f"gone:\n  package index {lost}: no index lists it; needed by {ROW}; {where}\n"
        assert asked(site, "--format=json") == 1
        (gone,) = [one for one in document(capsys) if one["state"] == "gone"]
        assert (gone["name"], gone["images"], gone["needed"]) == (lost, [ROW], True)


def test_what_the_site_replaces_is_said_and_does_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(whole()) as index, scripted(lambda *_: (404, {}, b"")) as mirror:
        assert asked(site_file(tmp_path, index.url, mirror)) == 1
        assert "the registry has no such manifest" in capsys.readouterr().out
        assert asked(site_file(tmp_path, index.url, mirror, base="bootstrap")) == 0
        said = capsys.readouterr()
        assert "not needed here: base: bootstrap" in said.out
        assert "builds here need 0 of the 1 that are lacking" in said.err


@pytest.mark.parametrize("flag", ["--version=1.6", "--gpu", "--platform=debian12", "--exclude=1.6*"])
def test_a_selection_is_for_the_sources_alone(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", flag]) == 2
    assert "images are selected for --sources alone" in capsys.readouterr().err
