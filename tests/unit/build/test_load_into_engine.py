"""The archive that an engine loads: each image store finds the same blobs in it."""

import json
import tarfile
from pathlib import Path

import pytest

from builder.build.load_into_engine import name_layers, pieces, place
from builder.errors import EngineError
from builder.registry.manifests import digest_of

LAYER, CONFIG = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def archive(directory: Path) -> tuple[Path, str]:
    document = {"config": {"digest": CONFIG, "size": 1}, "layers": [{"digest": LAYER, "size": 1}]}
    manifest = json.dumps(document).encode()
    path = directory / "image.tar"
    path.write_bytes(b"".join(pieces({place(digest_of(manifest)): manifest, place(CONFIG): b"{}"})))
    return path, digest_of(manifest)


def test_an_archive_of_another_builder_serves_the_classic_store(tmp_path: Path) -> None:
    path, digest = archive(tmp_path)
    assert name_layers(path, digest) == CONFIG
    with tarfile.open(path) as tar:
        names = tar.getnames()
        found = tar.extractfile("manifest.json")
        assert found
        assert json.load(found) == [{"Config": place(CONFIG), "RepoTags": None, "Layers": [place(LAYER)]}]
    assert names == [place(digest), place(CONFIG), "manifest.json"]


def test_an_archive_without_the_image_is_refused(tmp_path: Path) -> None:
    path, _ = archive(tmp_path)
    with pytest.raises(EngineError, match="its archive does not hold it"):
        name_layers(path, f"sha256:{'3' * 64}")
