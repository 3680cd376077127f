"""The Dockerfile is the readable truth: `docker build` of it gives the files that `build` makes layers of itself."""

from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.support.command_line import ROOT, CommandResult
from tests.support.image_trees import baked, image_tree, tree_differences
from tests.support.project import REPOSITORY
from tests.support.rotation import rotating

EVERY_DAY = "scikit-learn/1.9.1-cpu-debian12"
"""It has no source distribution; 1.4 has many, with Horovod among them."""
LONG = ("pytorch/1.4.0-gpu-debian12", "pytorch/2.13.0-cpu-debian12")


@pytest.mark.parametrize("cell", [EVERY_DAY, *rotating(*LONG)])
def test_docker_build_gives_the_same_files(
    cell: str,
    built: Callable[..., CommandResult],
    engine: docker.DockerClient,
    site_file: Path,
    tmp_path: Path,
) -> None:
    ours = str(built(f"--only={cell}").images[0]["digest"])
    name = f"{REPOSITORY}-baked:{cell.rpartition('/')[2]}"
    baked(cell, name, root=ROOT, site=site_file, scratch=tmp_path)
    found = list(tree_differences(image_tree(engine, name), image_tree(engine, ours)))
    assert not found, found[:20]
    assert not engine.images.get(name).labels.keys() & {"framework-images.fingerprint", "framework-images.inputs"}
