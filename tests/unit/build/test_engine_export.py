"""Blobs out of the engine's own store: only those that a digest can name."""

import json
from pathlib import Path

import pytest

from builder.build.engine_export import kept
from builder.errors import RegistryError
from builder.registry.manifests import digest_of


def stored(directory: Path, content: bytes) -> dict[str, object]:
    digest = digest_of(content)
    (directory / digest.removeprefix("sha256:")).write_bytes(content)
    return {"digest": digest, "size": len(content)}


def test_a_manifest_that_names_a_path_is_refused(tmp_path: Path) -> None:
    """The digest of a part becomes the name of a file in the store."""
    store = tmp_path / "store"
    store.mkdir()
    (tmp_path / "secret").write_text("canary")
    content = json.dumps({"config": stored(store, b"{}"), "layers": [{"digest": "sha256:../secret", "size": 6}]})
    with pytest.raises(RegistryError, match="no digest of the form"):
        list(kept(store, str(stored(store, content.encode())["digest"])))


def test_everything_below_an_index_comes(tmp_path: Path) -> None:
    inner = json.dumps({"config": stored(tmp_path, b"{}"), "layers": [stored(tmp_path, b"layer")]}).encode()
    outer = json.dumps({"manifests": [stored(tmp_path, inner)]}).encode()
    found = list(kept(tmp_path, str(stored(tmp_path, outer)["digest"])))
    assert [b"".join(blob.chunks()) for blob in found] == [outer, inner, b"layer", b"{}"]
