"""The list of an image's referrers that a tag names, which others write at the same time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from builder.errors import RegistryError
from builder.registry import referrers
from builder.registry.connection import connected
from builder.registry.manifests import OCI_INDEX, OCI_MANIFEST, digest_of
from tests.support.scripted_registry import Answer, scripted

SUBJECT = "sha256:" + "0" * 64
OTHERS = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
ENTRY = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "1" * 64, "size": 7}


@dataclass(slots=True)
class Contended:
    """A registry in which somebody else replaces the list after each write, so many times."""

    times: int
    written: int = 0
    others: bytes = field(default=OTHERS)
    content: bytes = field(default=OTHERS)

    def script(self, method: str, _path: str, headers: Mapping[str, str]) -> Answer:
        if method == "PUT":
            self.written += 1
            self.content = self.others if self.written <= self.times else headers["body"].encode()
            return 201, {}, b""
        return 200, {"Content-Type": OCI_INDEX, "Docker-Content-Digest": digest_of(self.content)}, self.content


def test_the_last_attempt_counts() -> None:
    registry = Contended(4)
    with scripted(registry.script) as host, connected(host, pauses=(0.0,) * 4) as connection:
        referrers.enlist(connection, "team/a", SUBJECT, ENTRY)
        assert registry.written == 5
        assert [one.digest for one in referrers.by_tag(connection, "team/a", SUBJECT)] == [ENTRY["digest"]]
        referrers.enlist(connection, "team/a", SUBJECT, ENTRY)
    assert registry.written == 5, "what is listed is not written again"


def test_a_list_that_others_change_all_the_time() -> None:
    registry = Contended(99)
    with (
        scripted(registry.script) as host,
        connected(host, pauses=(0.0,) * 4) as connection,
        pytest.raises(RegistryError, match="others change the list"),
    ):
        referrers.enlist(connection, "team/a", SUBJECT, ENTRY)
    assert registry.written == 5


def test_an_entry_that_others_bring_back_is_taken_off_again() -> None:
    listed = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [ENTRY]}).encode()
    registry = Contended(2, others=listed, content=listed)
    with scripted(registry.script) as host, connected(host, pauses=(0.0,) * 4) as connection:
        referrers.detach(connection, "team/a", SUBJECT, str(ENTRY["digest"]))
        assert registry.written == 3
        assert referrers.by_tag(connection, "team/a", SUBJECT) == ()


def test_a_list_of_pages_that_does_not_end() -> None:
    listed = json.dumps({"manifests": [ENTRY]}).encode()

    def script(_method: str, path: str, _headers: Mapping[str, str]) -> Answer:
        return 200, {"Content-Type": OCI_INDEX, "Link": f'<{path}?again>; rel="next"'}, listed

    with (
        scripted(script) as host,
        connected(host) as connection,
        pytest.raises(RegistryError, match="does not end"),
    ):
        referrers.by_api(connection, "team/a", SUBJECT)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_registry_without_the_api(status: int) -> None:
    def script(_method: str, _path: str, _headers: Mapping[str, str]) -> Answer:
        return status, {}, b"<html>"

    with scripted(script) as host, connected(host) as connection:
        assert referrers.by_api(connection, "team/a", SUBJECT) == ()
