"""JSON of another shape, and other headers, from a registry: an empty value or an error that says so, no traceback."""

import json
from dataclasses import replace
from typing import Any

import pytest

from builder.catalogue.attached import attached
from builder.catalogue.registry_images import layers_of
from builder.errors import RegistryError
from builder.registry import blobs, image, manifests, referrers
from builder.registry.connection import connected
from builder.registry.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from builder.registry.refusals import clean
from tests.support.scripted_registry import Answer, scripted

DIGEST = f"sha256:{'a' * 64}"
OTHER = (5, "abc", [5], [[1]], {"a": 1}, None, True)
SIZES = ('"banana"', "[1]", "NaN", "1e999", "-1", "true", "{}", "null")
DEEP = b"[" * 16_000


@pytest.mark.parametrize("size", SIZES)
def test_a_size_that_is_none(size: str) -> None:
    content = f'{{"manifests": [{{"digest": "{DIGEST}", "size": {size}}}]}}'.encode()
    assert [one.size for one in referrers.listed(content, "x")] == [0]


@pytest.mark.parametrize("other", OTHER, ids=str)
def test_referrers_of_another_shape(other: object) -> None:
    assert referrers.listed(json.dumps({"manifests": other}).encode(), "x") == ()
    entry = {"digest": DIGEST, "size": 7, "annotations": other}
    expected = {"a": "1"} if isinstance(other, dict) else {}
    assert [dict(one.annotations) for one in referrers.listed(json.dumps({"manifests": [entry]}).encode(), "x")] == [
        expected
    ]


@pytest.mark.parametrize("other", OTHER, ids=str)
def test_a_list_of_referrers_of_another_shape_is_written_anew(other: object) -> None:
    content = [json.dumps({"manifests": other}).encode()]

    def script(method: str, _path: str, headers: Any) -> Answer:
        if method == "PUT":
            content.append(headers["body"].encode())
            return 201, {}, b""
        return 200, {"Content-Type": OCI_INDEX}, content[-1]

    with scripted(script) as host, connected(host, pauses=()) as connection:
        referrers.enlist(connection, "a", DIGEST, {"digest": DIGEST})
    assert json.loads(content[-1])["manifests"] == [{"digest": DIGEST}]


@pytest.mark.parametrize("other", OTHER, ids=str)
def test_tags_and_layers_of_another_shape(other: object) -> None:
    body = json.dumps({"tags": other, "layers": other}).encode()
    with (
        scripted(lambda *_: (200, {"Content-Type": OCI_MANIFEST}, body)) as host,
        connected(host, pauses=()) as connection,
    ):
        assert manifests.tags(connection, "a") == ()
        assert attached(connection, "a", DIGEST, None).sbom is None


@pytest.mark.parametrize("other", OTHER, ids=str)
def test_a_configuration_of_another_shape(other: object) -> None:
    manifest = Manifest(digest=DIGEST, media_type=OCI_MANIFEST, content=b"{}")
    there = image.RegistryImage(digest=DIGEST, manifest=manifest, config=b"{}", configuration={}, layers=())
    for configuration in ({"rootfs": {"diff_ids": other}}, {"history": other}, {"rootfs": other}):
        assert layers_of(replace(there, configuration=configuration)) == ()


@pytest.mark.parametrize("said", ["banana", "", "-1", "9" * 5_000])
def test_a_length_that_is_none(said: str) -> None:
    class Said:
        headers = {"Content-Length": said}  # noqa: RUF012 (a stand-in: a server cannot send such a header by HTTP)

    answer: Any = Said()
    assert blobs.length_of(answer) == 0


@pytest.mark.parametrize("content", [DEEP, b'{"errors": 5}', b'{"errors": [5]}', b"5", b"\xff"], ids=range(5))
def test_words_of_another_shape(content: bytes) -> None:
    with (
        scripted(lambda *_: (400, {}, content)) as host,
        connected(host, pauses=()) as connection,
        pytest.raises(RegistryError, match="400"),
    ):
        manifests.tags(connection, "a")


TOKENS = (DEEP, b"[]", b'{"token": "x", "expires_in": NaN}', b'{"token": "x", "expires_in": 1%s}' % (b"0" * 400))


@pytest.mark.parametrize("content", TOKENS, ids=range(4))
def test_a_token_of_another_shape(content: bytes) -> None:
    def script(_method: str, path: str, headers: Any) -> Answer:
        challenge = f'Bearer realm="http://{headers["Host"]}/token"'
        return (200, {}, content) if path.startswith("/token") else (401, {"WWW-Authenticate": challenge}, b"")

    with (
        scripted(script) as host,
        connected(host, pauses=()) as connection,
        pytest.raises(RegistryError, match="gives no token"),
    ):
        manifests.tags(connection, "a")


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\ud800", "\x1b", "\x9b", "\u2028", "\n", "\ufeff"])
def test_no_sign_of_a_registry_steers_a_terminal(sign: str) -> None:
    assert clean(f"a{sign}b?token=x") == "a b"
