"""The SBOM of a real image: everything that its own package manager lists."""

import json
import subprocess
from pathlib import Path

from tests.support.command_line import ROOT, builder


def test_the_sbom_lists_what_the_image_holds_and_is_the_same_each_time(built_image: str, tmp_path: Path) -> None:
    first, second = (builder("sbom", built_image, cwd=ROOT, scratch=tmp_path) for _ in range(2))
    assert first.code == 0, first.err
    assert first.out == second.out
    found = {one["name"]: one for one in json.loads(first.out)["components"]}
    listed = subprocess.run(
        ["docker", "run", "--rm", built_image, "dpkg-query", "--show", "--showformat=${Package} ${Version}\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in listed.splitlines():
        name, version = line.split()
        assert found[name]["version"] == version
    assert all("licenses" in found[name] for name in ("bash", "libgcc-s1")), "libgcc-s1's file is that of gcc-12-base"
    assert "upstream=gcc-12" in found["libgcc-s1"]["purl"]
    assert found["scikit-learn"]["hashes"]
    assert found["scikit-learn"]["purl"].startswith("pkg:pypi/scikit-learn@")
    assert not subprocess.run(
        ["docker", "ps", "-aq", f"--filter=ancestor={built_image}"], capture_output=True, check=True
    ).stdout


def test_the_sbom_of_an_image_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = builder("sbom", "no-such-image:1", cwd=ROOT, scratch=tmp_path)
    assert done.code == 1
    assert "no such image" in done.err
