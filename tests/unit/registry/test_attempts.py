"""What is repeated is repeated as a whole: a registry that is down gets no more requests than its pauses say."""

from collections.abc import Callable

import pytest

from builder.errors import UnavailableError
from builder.registry import blobs, manifests, referrers
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from builder.registry.session import Connection
from tests.support.scripted_registry import Answer, scripted

DIGEST = f"sha256:{'a' * 64}"
PAUSES = (0.0,) * 3
ATTEMPTS = len(PAUSES) + 1
Action = Callable[[Connection], object]
READS: dict[str, Action] = {
    "digest": lambda registry: manifests.digest(registry, "a", "1.0"),
    "manifest": lambda registry: manifests.manifest(registry, "a", "1.0"),
    "size": lambda registry: blobs.size(registry, "a", DIGEST),
}
WRITES: dict[str, Action] = {
    "store": lambda registry: manifests.store(registry, "a", "1.0", b"{}", OCI_MANIFEST),
    "put": lambda registry: manifests.put(registry, "a", "1.0", b"{}", OCI_MANIFEST),
    "upload": lambda registry: blobs.upload(registry, "a", DIGEST, 1, lambda: [b"x"]),
    "enlist": lambda registry: referrers.enlist(registry, "a", DIGEST, {"digest": DIGEST}),
}


def asked(action: Action, *, down: Callable[[list[str]], bool]) -> list[str]:
    """The methods of the requests to a registry that has nothing, and is down once `down` says so of them."""
    seen: list[str] = []

    def script(method: str, _path: str, _headers: object) -> Answer:
        seen.append(method)
        return (503 if down(seen) else 404), {}, b""

    with scripted(script) as host, connected(host, pauses=PAUSES) as connection, pytest.raises(UnavailableError):
        action(connection)
    return seen


@pytest.mark.parametrize("action", READS.values(), ids=READS)
def test_a_question_is_one_request_for_each_attempt(action: Action) -> None:
    assert len(asked(action, down=lambda _: True)) == ATTEMPTS


@pytest.mark.parametrize("action", WRITES.values(), ids=WRITES)
def test_a_write_is_an_attempt_and_a_question(action: Action) -> None:
    assert len(asked(action, down=lambda _: True)) == 2 * ATTEMPTS
    from_the_write_on = asked(action, down=lambda seen: bool({"PUT", "POST"} & {*seen}))
    assert len(from_the_write_on) <= 2 * ATTEMPTS + 1
    only_writes = asked(action, down=lambda seen: seen[-1] in ("PUT", "POST"))
    assert len(only_writes) <= 3 * ATTEMPTS
