"""The registry client against a real registry, and against one whose network fails."""

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import RegistryError, UnavailableError
from builder.registry import blobs, manifests, referrers
from builder.registry import connection as registry_connection
from builder.registry import image as reader
from builder.registry.connection import connected
from builder.registry.manifests import OCI_INDEX, OCI_MANIFEST
from tests.support import registries
from tests.support.faulty_proxy import Fault, before
from tests.support.registries import PASSWORD, Server, docker_config, image, stored

QUICK = (0.01,) * 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with registries.registry(tmp_path_factory.mktemp("registry") / "open") as found:
        yield found


@pytest.fixture
def name() -> str:
    return f"team/toy-{secrets.token_hex(4)}"


def test_what_is_put_is_there(server: Server, name: str) -> None:
    layer = secrets.token_bytes(3 << 20)
    with connected(server.host) as connection:
        assert manifests.manifest(connection, name, "1.0") is None
        assert manifests.digest(connection, name, "1.0") is None
        assert manifests.tags(connection, name) == ()
        content = image(connection, name, layer)
        digest = manifests.digest_of(content)
        manifests.put(connection, name, digest, content, OCI_MANIFEST)
        assert manifests.tags(connection, name) == ()
        for tag in ("1.0", "1.0", "latest"):
            manifests.put(connection, name, tag, content, OCI_MANIFEST)
        assert manifests.tags(connection, name) == ("1.0", "latest")
        assert manifests.digest(connection, name, "latest") == digest
        found = manifests.manifest(connection, name, "1.0")
        assert found
        assert (found.content, found.media_type, found.digest) == (content, OCI_MANIFEST, digest)
        assert b"".join(blobs.stream(connection, name, manifests.digest_of(layer))) == layer
        assert blobs.size(connection, name, manifests.digest_of(layer)) == len(layer)
        assert blobs.size(connection, name, manifests.digest_of(b"none")) is None
        assert blobs.small(connection, name, str(stored(connection, name, b"{}")["digest"])) == b"{}"
        assert manifests.delete(connection, name, digest)
        assert manifests.digest(connection, name, "latest") is None


def test_an_index_has_an_image_for_each_platform(server: Server, name: str) -> None:
    with connected(server.host) as connection:
        found = {}
        for platform in ("linux/amd64", "linux/arm64", "unknown/unknown"):
            content = image(connection, name, platform.encode())
            made = manifests.put(connection, name, manifests.digest_of(content), content, OCI_MANIFEST)
            os_name, architecture = platform.split("/")
            found[platform] = {
                "mediaType": OCI_MANIFEST,
                "digest": made.digest,
                "size": len(content),
                "platform": {"os": os_name, "architecture": architecture},
            }
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*found.values()]}).encode()
        digest = manifests.put(connection, name, "1.0", index, OCI_INDEX).digest
        for version in ("1.0", digest):
            for platform in ("linux/amd64", "linux/arm64"):
                one = reader.read(connection, name, version, platform)
                assert (one.digest, one.manifest.digest) == (digest, found[platform]["digest"])
                assert [layer.size for layer in one.layers] == [len(platform)]
                assert one.labels == {}
        single = reader.read(connection, name, str(found["linux/arm64"]["digest"]), "linux/amd64")
        assert single.digest == single.manifest.digest == found["linux/arm64"]["digest"]
        with pytest.raises(RegistryError, match="no image for linux/s390x: it has linux/amd64 sha256:"):
            reader.read(connection, name, "1.0", "linux/s390x")
        assert reader.find(connection, name, "2.0") is None
        with pytest.raises(RegistryError, match=f"{name}:2.0: no such image"):
            reader.read(connection, name, "2.0")


def test_a_neighbour_has_the_blob(server: Server, name: str) -> None:
    with connected(server.host) as connection:
        digest = str(stored(connection, name, b"shared")["digest"])
        assert blobs.mount(connection, f"{name}-b", digest, name)
        assert blobs.size(connection, f"{name}-b", digest) == 6
        assert not blobs.mount(connection, f"{name}-b", manifests.digest_of(b"nothing"), name)
    assert server.uploads() == []


def test_referrers_are_listed_without_the_api(server: Server, name: str) -> None:
    with connected(server.host) as connection:
        content = image(connection, name, b"layer")
        digest = manifests.put(connection, name, "1.0", content, OCI_MANIFEST).digest
        assert referrers.referrers(connection, name, digest) == ()
        made = [
            referrers.attach(connection, name, image(connection, name, words, subject=digest))
            for words in (b"a", b"b", b"a")
        ]
        found = referrers.referrers(connection, name, digest)
    assert {one.digest for one in found} == {one.digest for one in made}
    assert {one.artifact_type for one in found} == {"application/vnd.test"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="PUT", path="/blobs/uploads/", kind="truncate", times=2),
        Fault(method="PUT", path="/blobs/uploads/", kind="lose-answer"),
        Fault(method="PUT", path="/blobs/uploads/", kind="status", status=503),
        Fault(method="POST", path="/blobs/uploads/", kind="status", status=429, headers={"Retry-After": "0"}, times=3),
        Fault(method="POST", path="/blobs/uploads/", kind="reset"),
        Fault(method="PUT", path="/manifests/", kind="lose-answer", times=2),
        Fault(method="PUT", path="/manifests/", kind="status", status=500),
        Fault(method="GET", path="/manifests/", kind="reset"),
        Fault(method="HEAD", path="/", kind="status", status=502, times=2),
    ],
    ids=lambda fault: f"{fault.method}{fault.path.replace('/', '-')}{fault.kind}",
)
def test_what_may_pass_is_repeated(server: Server, name: str, fault: Fault) -> None:
    with before(server.host, fault) as proxy, connected(proxy.host, pauses=QUICK) as connection:
        content = image(connection, name, secrets.token_bytes(1 << 20))
        manifests.put(connection, name, "1.0", content, OCI_MANIFEST)
        assert manifests.digest(connection, name, "1.0") == manifests.digest_of(content)
        if fault.kind == "lose-answer":
            assert proxy.count("PUT", "/manifests/1.0") == 1, "it was asked before it was sent again"
    assert proxy.reached.is_set()


def test_a_registry_that_stays_down_is_an_error(server: Server, name: str) -> None:
    fault = Fault(method="GET", path="/tags/", kind="status", status=503, times=99)
    with (
        before(server.host, fault) as proxy,
        connected(proxy.host, pauses=QUICK) as connection,
        pytest.raises(UnavailableError, match="503"),
    ):
        manifests.tags(connection, name)
    assert proxy.count("GET", "/tags/") == len(QUICK) + 1
    with (
        connected(f"localhost:{registries.free_port()}", pauses=()) as gone,
        pytest.raises(UnavailableError, match="refused"),
    ):
        manifests.tags(gone, name)


def test_a_lie_about_a_digest_is_caught(server: Server, name: str) -> None:
    with connected(server.host) as connection:
        digest = manifests.put(connection, name, "1.0", image(connection, name, b"layer"), OCI_MANIFEST).digest
    fault = Fault(method="GET", path="/manifests/", kind="change-answer", times=9)
    with before(server.host, fault) as proxy, connected(proxy.host, pauses=QUICK) as connection:
        for version in ("1.0", digest):
            with pytest.raises(RegistryError, match=f"what it gives as {digest} is sha256:"):
                manifests.manifest(connection, name, version)
        with pytest.raises(RegistryError, match="is sha256:"):
            manifests.put(connection, name, "2.0", image(connection, name, b"layer"), OCI_MANIFEST)


def test_an_upload_of_something_else_stores_nothing(server: Server, name: str) -> None:
    wanted = manifests.digest_of(b"expected")
    with connected(server.host, pauses=QUICK) as connection:
        for content in (b"modified", b"short", b"much too long"):
            with pytest.raises(RegistryError, match="its content"):
                blobs.upload(connection, name, wanted, 8, lambda content=content: [content])  # type: ignore[misc]
        assert blobs.size(connection, name, wanted) is None


def test_logins(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    with registries.registry(tmp_path / "closed", login=True) as closed:
        with connected(closed.host) as connection, pytest.raises(RegistryError, match="wants a login") as wanted:
            manifests.tags(connection, name)
        assert wanted.value.hint == f"docker login {closed.host}"
        monkeypatch.setenv("DOCKER_CONFIG", str(docker_config(tmp_path / "wrong", closed.host, "canary-wrong")))
        with before(closed.host) as proxy:
            docker_config(tmp_path / "wrong", proxy.host, "canary-wrong")
            with connected(proxy.host) as connection, pytest.raises(RegistryError, match="wrong or expired") as refused:
                manifests.tags(connection, name)
            assert len(proxy.seen) == 2, "a refusal is not repeated"
        assert "canary" not in f"{refused.value} {refused.value.hint}"
        monkeypatch.setenv("DOCKER_CONFIG", str(docker_config(tmp_path / "right", closed.host)))
        with connected(closed.host) as connection:
            content = image(connection, name, b"layer")
            manifests.put(connection, name, "1.0", content, OCI_MANIFEST)
            assert manifests.tags(connection, name) == ("1.0",)
            assert PASSWORD not in repr(connection)
        config = (tmp_path / "right" / "config.json").read_text()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", config)
    with registries.registry(tmp_path / "again", login=True) as closed:
        os.environ["DOCKER_AUTH_CONFIG"] = (
            docker_config(tmp_path / "env", closed.host).joinpath("config.json").read_text()
        )
        with connected(closed.host) as connection:
            assert manifests.tags(connection, name) == ()


def test_only_this_machine_is_asked_in_the_clear() -> None:
    for host in ("localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"):
        assert registry_connection.is_local(host)
    for host in ("localhost.example.com", "example.com", "10.0.0.1:5000", "127.0.0.1.example.com", "", "[::2]"):
        assert not registry_connection.is_local(host)
