"""Whatever a registry sends, an operation on it ends in time and with an error in one line."""

import json
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.errors import RegistryError
from builder.host.pace import PacedReader, within
from builder.publish import transfer
from builder.publish.transfer import Place, Sent
from builder.registry import blobs, image, manifests, tokens
from builder.registry.connection import connected
from builder.registry.credentials import Login
from builder.registry.manifests import OCI_INDEX, OCI_MANIFEST
from builder.registry.session import Connection
from tests.support.corpus import cases
from tests.support.raw_server import raw_server
from tests.support.scripted_registry import Answer, scripted

DIGEST = f"sha256:{'a' * 64}"
SECONDS = 0.5
OPERATIONS: dict[str, Callable[[Connection], object]] = {
    "digest": lambda registry: manifests.digest(registry, "a", DIGEST),
    "manifest": lambda registry: manifests.manifest(registry, "a", DIGEST),
    "image": lambda registry: image.read(registry, "a", DIGEST),
    "small": lambda registry: blobs.small(registry, "a", DIGEST),
    "upload": lambda registry: blobs.upload(registry, "a", DIGEST, 1, lambda: [b"x"]),
    "store": lambda registry: manifests.put(registry, "a", "1.0", b"{}", OCI_MANIFEST),
}


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's logins are at stake, and this test has none."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)


@pytest.mark.parametrize("case", cases("registries"))
def test_every_operation_ends(case: Any) -> None:
    more = case["repeat"][0] * case["repeat"][1] if "repeat" in case else ""
    first = f"{case.get('send', '')}{more}{case.get('end', '')}".encode()
    for name, operation in OPERATIONS.items():
        began = time.monotonic()
        with (
            raw_server(first, case["then"]) as host,
            connected(host, pauses=(0.0,), seconds=SECONDS) as registry,
            pytest.raises(RegistryError) as caught,
        ):
            operation(registry)
        assert time.monotonic() - began < 8 * SECONDS, name
        assert caught.value.message.isprintable(), name
        assert len(caught.value.message) < 1000, name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2_000_000


@pytest.mark.parametrize("case", cases("realms"))
def test_a_login_goes_only_to_the_registry_itself_or_over_https(case: Any) -> None:
    """Nothing is asked: only whether it may be."""
    insecure = [case["registry"]] if case.get("plain") else []
    with connected(case["registry"], insecure=insecure) as registry:
        login = Login(user="me", password="canary")
        assert tokens.may_get(registry, case["realm"], login) == case["sent"]


@pytest.mark.parametrize(
    "content",
    [b'{"token": "' + b"x" * 2_000_000 + b'"}', b"[" * 900_000, b'{"token": ["a b"]}', b'{"token": "a\\nb"}', b'""'],
    ids=range(5),
)
def test_a_token_that_is_none(content: bytes) -> None:
    def script(_method: str, path: str, headers: Any) -> Answer:
        challenge = f'Bearer realm="http://{headers["Host"]}/token"'
        return (200, {}, content) if path.startswith("/token") else (401, {"WWW-Authenticate": challenge}, b"")

    with (
        scripted(script) as host,
        connected(host, pauses=(), seconds=5) as registry,
        pytest.raises(RegistryError, match=r"gives no token|more than 1,048,576 bytes"),
    ):
        manifests.tags(registry, "a")


def test_an_answer_below_the_least_rate_ends() -> None:
    """Every tenth of the patience a byte comes: no single wait is too long, and all of them are."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.5)
        reader = PacedReader(ours, ours.makefile("rb", buffering=0))
        began = time.monotonic()

        def drip() -> None:
            theirs.send(b"x")
            reader.readinto(bytearray(100))
            reader.left -= 0.05

        with pytest.raises(TimeoutError):
            for _ in iter(drip, "never"):
                pass
        assert time.monotonic() - began < 5
        assert ours.gettimeout() == 0.5


def test_an_operation_ends_with_the_one_around_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, within(0.1), within(60):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            PacedReader(ours, ours.makefile("rb", buffering=0)).readinto(bytearray(1))
        assert time.monotonic() - began < 5


def test_tags_without_end() -> None:
    count = iter(range(10**9))

    def script(_method: str, path: str, _headers: Any) -> Answer:
        names = ",".join(f'"t{next(count)}"' for _ in range(20_000))
        return 200, {"Link": f'<{path}>; rel="next"'}, f'{{"tags": [{names}]}}'.encode()

    def same(_method: str, path: str, _headers: Any) -> Answer:
        return 200, {"Link": f'<{path}>; rel="next"'}, b'{"tags": ["1.0"]}'

    for one in (script, same):
        with (
            scripted(one) as host,
            connected(host, pauses=(), seconds=20) as registry,
            pytest.raises(RegistryError, match="does not end"),
        ):
            manifests.tags(registry, "a")


def test_indexes_below_indexes_are_not_followed_for_ever() -> None:
    made: dict[str, bytes] = {}
    below: list[dict[str, object]] = []
    for _ in range(30):
        content = json.dumps({"mediaType": OCI_INDEX, "manifests": below}).encode()
        made[manifests.digest_of(content)] = content
        below = [{"mediaType": OCI_INDEX, "digest": manifests.digest_of(content), "size": len(content)}]
    top = next(reversed(made))

    def script(_method: str, path: str, _headers: Any) -> Answer:
        content = made.get(path.rpartition("/")[2]) if "/source/" in path else None
        return (200, {"Content-Type": OCI_INDEX}, content) if content else (404, {}, b"")

    with scripted(script) as host, connected(host, pauses=(), seconds=5) as registry:
        source, target = (Place(connection=registry, repository=name) for name in ("source", "target"))
        with pytest.raises(RegistryError, match="not followed further"):
            transfer.copy(source, target, top, Sent())
