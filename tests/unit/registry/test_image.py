"""What a registry gives for an image, when somebody means harm: an error, never a path, a guess or a traceback."""

import json
from collections.abc import Mapping

import pytest

from builder.errors import RegistryError
from builder.registry import image
from builder.registry.connection import connected
from builder.registry.descriptors import parts
from builder.registry.manifests import OCI_INDEX, OCI_MANIFEST, digest_of
from tests.support.scripted_registry import Answer, scripted

CLIMBS = "sha256:../../../../etc/passwd"
DEEP = b'{"a":' * 100_000
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def entry(digest: object, platform: str = "", size: object = 7) -> dict[str, object]:
    words = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False)) if platform else None
    return {"mediaType": OCI_MANIFEST, "digest": digest, "size": size, "platform": words}


def found(documents: Mapping[str, bytes], kind: str, first: bytes, platform: str | None = None) -> image.RegistryImage:
    """The image that a registry gives with these documents, by digest, and the first by its tag."""

    def script(_method: str, path: str, _headers: Mapping[str, str]) -> Answer:
        name = path.rpartition("/")[2]
        content = first if name == "1.0" else documents.get(name)
        return (
            (404, {}, b"")
            if content is None
            else (200, {"Content-Type": kind if name == "1.0" else OCI_MANIFEST}, content)
        )

    with scripted(script) as host, connected(host, pauses=()) as connection:
        return image.read(connection, "team/a", "1.0", platform)


def index(*entries: Mapping[str, object]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def manifest(config: bytes, **more: object) -> bytes:
    return json.dumps({"config": {"digest": digest_of(config), "size": len(config)}, "layers": [], **more}).encode()


def test_a_manifest_is_the_image_whatever_its_platform() -> None:
    config = json.dumps(
        {
            "architecture": "s390x",
            "os": "linux",
            "created": "1970-01-01T00:00:07.123456789Z",
            "config": {"Labels": {"a": "b", "c": 7}, "User": "me"},
        }
    ).encode()
    first = manifest(config, layers=[entry(A), entry(B, size=8)])
    one = found({digest_of(config): config}, OCI_MANIFEST, first)
    assert one.digest == one.manifest.digest == digest_of(first)
    assert (one.config, one.architecture, one.created) == (config, "s390x", 7)
    assert (one.labels, one.settings["User"]) == ({"a": "b"}, "me")
    assert [(layer.digest, layer.size) for layer in one.layers] == [(A, 7), (B, 8)]


def test_of_an_index_the_one_entry_of_the_platform() -> None:
    configs = {name: json.dumps({"architecture": name}).encode() for name in ("amd64", "arm64")}
    inner = {name: manifest(config) for name, config in configs.items()}
    documents = {digest_of(one): one for one in (*configs.values(), *inner.values())}
    first = index(
        entry(A, "unknown/unknown"),
        entry(digest_of(inner["arm64"]), "linux/arm64/v8"),
        entry(digest_of(inner["amd64"]), "linux/amd64"),
        entry(B, "windows/amd64"),
    )
    for name in ("amd64", "arm64"):
        one = found(documents, OCI_INDEX, first, f"linux/{name}")
        assert (one.digest, one.manifest.digest) == (digest_of(first), digest_of(inner[name]))
        assert one.architecture == name
    with pytest.raises(RegistryError, match=f"an index with no image for linux/s390x: it has linux/arm64/v8 .*{B}"):
        found(documents, OCI_INDEX, first, "linux/s390x")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ((entry(A, "linux/amd64"), entry(B, "linux/amd64")), f"several images for linux/amd64: .*{A}, linux/amd64 {B}"),
        ((entry(A, "unknown/unknown"),), "no image for linux/amd64: it has nothing"),
        ((entry(A),), f"no image for linux/amd64: it has no platform {A}"),
        ((), "it has nothing"),
        ((entry(A, "linux/amd64"),), f"@{A}: an index lists it, and it is not there"),
        ((entry(CLIMBS, "linux/amd64"),), "no digest of the form sha256:"),
        ((entry(None, "linux/amd64"),), "no digest of the form sha256:"),
        ((entry(A, "linux/amd64", size="7"),), "has no size"),
        ((entry(A, "linux/amd64", size=-7),), "has no size"),
        (("text",), "no digest of the form"),
    ],
)
def test_an_index_that_names_no_image(entries: tuple[Mapping[str, object], ...], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        found({}, OCI_INDEX, index(*entries), "linux/amd64")


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (b"{}", "it is no image: it has no configuration"),
        (b'{"config": null}', "no digest of the form"),
        (b"[]", "no JSON object"),
        (DEEP, "no JSON object"),
        (json.dumps({"config": entry(CLIMBS)}).encode(), "no digest of the form"),
        (manifest(b"{}", layers=[entry(CLIMBS)]), "no digest of the form"),
        (manifest(b"{}", layers=7), "are no list"),
        (manifest(DEEP), "no JSON object"),
        (manifest(b"[]"), "no JSON object"),
        (manifest(b" " * (5 << 20)), "its answer has more than 4,194,304 bytes"),
        (manifest(b"other"), "404"),
    ],
    ids=range(11),
)
def test_what_is_no_image(first: bytes, message: str) -> None:
    documents = {digest_of(one): one for one in (b"{}", b"[]", DEEP, b" " * (5 << 20))}
    with pytest.raises(RegistryError, match=message):
        found(documents, OCI_MANIFEST, first)


@pytest.mark.parametrize(
    "config", ["{}", '{"config": 7}', '{"config": {"Labels": []}, "created": 7, "architecture": []}']
)
def test_a_configuration_that_says_nothing(config: str) -> None:
    one = found({digest_of(config.encode()): config.encode()}, OCI_MANIFEST, manifest(config.encode()))
    assert (one.labels, one.created, one.architecture) == ({}, 0, "")


def test_every_part_of_a_document_is_looked_at() -> None:
    config = entry(A)
    assert [one.digest for one in parts({"config": config, "layers": [entry(B)]}, "x")] == [B, A]
    for document in ({"config": entry(CLIMBS)}, {"layers": [entry(CLIMBS)]}, {"manifests": [entry(CLIMBS)]}):
        with pytest.raises(RegistryError, match="no digest of the form"):
            parts(document, "x")
