"""The layers of this host: whole or gone, and not for ever."""

import errno
import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from builder.errors import EngineError
from builder.host import layer_cache
from builder.host.layer_cache import PackedLayer

DAY = 86_400.0


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def made(content: bytes, title: str = "six 1.0") -> PackedLayer:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with layer_cache.new_blobs() as place:
        (place / "one").write_bytes(content)
        found = PackedLayer(digest=digest, size=len(content), diff="sha256:0", title=title)
        return layer_cache.stored(place / "one", found)


def test_a_layer_is_found_by_what_it_was_made_from() -> None:
    one, two = made(b"one"), made(b"two")
    layer_cache.remember("key", (one, two))
    assert layer_cache.remembered("key") == (one, two)
    assert layer_cache.remembered("other") is None


def test_a_wrong_blob_is_removed_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    one = made(b"one")
    layer_cache.remember("key", (one,))
    layer_cache.blob(one.digest).write_bytes(b"another")
    assert layer_cache.remembered("key") is None
    assert not layer_cache.blob(one.digest).exists()
    assert (
        f"{layer_cache.blob(one.digest)}: ignored: its sha256 is another one; it is removed" in capsys.readouterr().err
    )


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1}', '{"schema": 1, "layers": [{"digest": 5}]}'])
def test_a_damaged_record_is_no_layer(text: str) -> None:
    layer_cache.remember("key", (made(b"one"),))
    layer_cache.record("key").write_text(text)
    assert layer_cache.remembered("key") is None


@pytest.mark.parametrize("edit", [{"size": 5}, {"compression": "gzip"}, {"diff": "sha256:1"}, {"title": "\x1b[31m"}])
def test_a_record_that_was_edited_is_no_layer(edit: dict[str, object]) -> None:
    layer_cache.remember("key", (made(b"one"),))
    content = json.loads(layer_cache.record("key").read_text())
    content["layers"][0] |= edit
    layer_cache.record("key").write_text(json.dumps(content))
    assert layer_cache.remembered("key") is None


def test_what_nothing_uses_is_removed_and_then_what_is_too_much() -> None:
    found = [made(text) for text in (b"old", b"older", b"used", b"new")]
    for one, days in zip(found, (2, 40, 3, 0), strict=True):
        then = time.time() - days * DAY
        os.utime(layer_cache.blob(one.digest), (then, then))
    assert layer_cache.is_whole(found[2].digest)
    layer_cache.trim(most_bytes=8, seconds=30 * DAY)
    assert [layer_cache.blob(one.digest).exists() for one in found] == [False, False, True, True]


def test_a_half_written_blob_leaves_nothing() -> None:
    def fail() -> None:
        with layer_cache.new_blobs() as place:
            (place / "half").write_bytes(b"x")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(EngineError, match="No space left on device, and layers are packed there"):
        fail()
    assert list(layer_cache.directory().iterdir()) == []
