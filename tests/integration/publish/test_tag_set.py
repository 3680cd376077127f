"""A set of tags moves all or none, whatever happens between two of them."""

from pathlib import Path

import pytest

from builder.errors import RegistryError
from builder.host.cache import remember
from builder.publish import tag_set
from builder.publish.tag_set import TagSet
from builder.publish.transfer import Place
from builder.registry import manifests
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from tests.support.faulty_proxy import Fault, before
from tests.support.registries import Server, image

QUICK = (0.01,) * 3


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def uploaded(place: Place, words: bytes) -> str:
    content = image(place.connection, place.repository, words)
    return manifests.put(place.connection, place.repository, manifests.digest_of(content), content, OCI_MANIFEST).digest


def now(place: Place) -> dict[str, str | None]:
    link, name = place.connection, place.repository
    return {tag: manifests.digest(link, name, tag) for tag in manifests.tags(link, name)}


@pytest.mark.parametrize(("kind", "status"), [("status", 403), ("status", 500), ("reset", 0)])
def test_an_error_puts_back_what_was(server: Server, prefix: str, kind: str, status: int) -> None:
    """Tags that were there are where they were; of a registry that cannot delete a tag, the next run finishes."""
    fault = Fault(method="PUT", path="/manifests/second", kind=kind, status=status, times=99)  # type: ignore[arg-type]
    said: list[str] = []
    with before(server.host) as proxy, connected(proxy.host, pauses=QUICK) as connection:
        place = Place(connection=connection, repository=f"{prefix}/toy")
        old, new = uploaded(place, b"old"), uploaded(place, b"new")
        both = {"first": old, "second": old}
        assert tag_set.move(place, TagSet(immutable={"1.0-old": old}, rolling=both), said.append) == ("1.0-old", *both)
        proxy.faults.append(fault)
        with pytest.raises(RegistryError):
            tag_set.move(place, TagSet(immutable={}, rolling={"first": new, "second": new}), said.append)
        assert now(place) == {"1.0-old": old, **both}
        assert not tag_set.journal(place).exists()
        with pytest.raises(RegistryError):
            tag_set.move(place, TagSet(immutable={"1.0-new": new}, rolling={"second": new}), said.append)
        assert now(place)["second"] == old
        assert tag_set.journal(place).exists(), "this registry cannot take 1.0-new away"
        proxy.faults.clear()
        tag_set.recover(place, said.append)
        assert now(place) == {"1.0-old": old, "1.0-new": new, "first": old, "second": new}
        assert not tag_set.journal(place).exists()
    assert "finishing it" in said[-1]


def test_what_another_host_moved_is_said(server: Server, prefix: str) -> None:
    """A tag that others set between our write and our look."""
    with connected(server.host) as connection:
        place = Place(connection=connection, repository=f"{prefix}/toy")
        ours, theirs = uploaded(place, b"ours"), uploaded(place, b"theirs")
        tag_set.point(place, "1.0", theirs)
        with pytest.raises(RegistryError, match=rf"already on {theirs}, .* never moved to {ours}"):
            tag_set.move(place, TagSet(immutable={"1.0": ours}), print)
        with pytest.raises(RegistryError, match="another push moved tags"):
            tag_set.set_all(place, {"1.0": ours}, {"1.0": ours})


@pytest.mark.parametrize(
    "text", ["{", '{"schema": 1}', '{"schema": 1, "after": [], "before": {}}', '{"schema": 9}', ""]
)
def test_a_damaged_journal_is_no_journal(server: Server, prefix: str, text: str) -> None:
    said: list[str] = []
    with connected(server.host) as connection:
        place = Place(connection=connection, repository=f"{prefix}/toy")
        tag_set.journal(place).parent.mkdir(parents=True)
        tag_set.journal(place).write_text(text)
        tag_set.recover(place, said.append)
        assert not tag_set.journal(place).exists()
    assert "damaged" in said[0] or text == '{"schema": 1, "after": [], "before": {}}'


def test_a_journal_of_images_that_are_gone(server: Server, prefix: str) -> None:
    said: list[str] = []
    with connected(server.host) as connection:
        place = Place(connection=connection, repository=f"{prefix}/toy")
        old = uploaded(place, b"old")
        tag_set.point(place, "1.0", old)
        gone = manifests.digest_of(b"gone")
        remember(tag_set.journal(place), {"before": {"1.0": old}, "after": {"1.0": gone}})
        tag_set.recover(place, said.append)
        assert now(place) == {"1.0": old}
        assert not tag_set.journal(place).exists()
    assert "restoring the old ones" in said[0]
