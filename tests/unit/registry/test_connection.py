"""Requests to a registry that is a script: what is sent where, and what is repeated."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.errors import InputError, RegistryError, UnavailableError
from builder.registry import blobs, credentials, manifests
from builder.registry.connection import connected
from tests.support.scripted_registry import Answer, scripted

QUICK = (0.0, 0.0)


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker configuration of the test's own."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)
    return tmp_path


def auths(host: str, **entry: str) -> str:
    return json.dumps({"auths": {host: {"auth": base64.b64encode(b"me:canary").decode(), **entry}}})


def test_a_token_is_asked_for_once_for_each_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def script(_method: str, path: str, headers: Mapping[str, str]) -> Answer:
        asked.append((path, headers.get("Authorization")))
        if path.startswith("/token"):
            return 200, {}, b'{"token": "good", "expires_in": 300}'
        if headers.get("Authorization") != "Bearer good":
            challenge = f'Bearer realm="http://{headers["Host"]}/token",service="test"'
            return 401, {"WWW-Authenticate": challenge}, b""
        return 200, {}, b'{"tags": ["1.0"]}'

    with scripted(script) as host, connected(host, pauses=QUICK) as connection:
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", auths(host))
        assert manifests.tags(connection, "team/a") == manifests.tags(connection, "team/a") == ("1.0",)
    paths = [path for path, _ in asked]
    assert [path.partition("?")[0] for path in paths] == [
        "/v2/team/a/tags/list",
        "/token",
        *["/v2/team/a/tags/list"] * 2,
    ]
    assert paths[1] == "/token?service=test&scope=repository%3Ateam%2Fa%3Apull"
    assert asked[1][1] == "Basic " + base64.b64encode(b"me:canary").decode()


def test_an_identity_token_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[str] = []

    def script(method: str, path: str, headers: Mapping[str, str]) -> Answer:
        if path == "/token":
            bodies.append(f"{method} {headers['body']}")
            return 200, {}, b'{"access_token": "good"}'
        if headers.get("Authorization") != "Bearer good":
            return 401, {"WWW-Authenticate": f'Bearer realm="http://{headers["Host"]}/token"'}, b""
        return 200, {}, b"{}"

    with scripted(script) as host, connected(host, pauses=QUICK) as connection:
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", auths(host, identitytoken="canary-token"))
        manifests.tags(connection, "a")
    assert bodies[0].startswith("POST ")
    assert "refresh_token=canary-token" in bodies[0]


@pytest.mark.parametrize(("status", "times"), [(429, 3), (503, 3), (401, 1), (403, 1), (400, 1), (405, 1)])
def test_only_what_may_pass_is_repeated(status: int, times: int) -> None:
    asked: list[str] = []

    def script(_method: str, path: str, _headers: Mapping[str, str]) -> Answer:
        asked.append(path)
        return status, {"Retry-After": "0"}, b'{"errors": [{"code": "NO", "message": "not\\u001b[31m now?token=x"}]}'

    with scripted(script) as host, connected(host, pauses=QUICK) as connection:
        with pytest.raises(RegistryError) as error:
            manifests.tags(connection, "a")
        assert isinstance(error.value, UnavailableError) == (times > 1)
    assert len(asked) == times
    assert error.value.status == status
    assert "\x1b" not in error.value.message
    assert "token=x" not in error.value.message


def test_a_registry_that_asks_for_a_day_is_not_waited_for() -> None:
    asked: list[str] = []

    def script(_method: str, path: str, _headers: Mapping[str, str]) -> Answer:
        asked.append(path)
        return 429, {"Retry-After": "86400"}, b""

    with (
        scripted(script) as host,
        connected(host, pauses=QUICK) as connection,
        pytest.raises(UnavailableError, match="429") as error,
    ):
        manifests.tags(connection, "a")
    assert len(asked) == 1
    assert error.value.hint == "repeat it in 24 hours: the server asks for that"


def test_a_redirect_gets_no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Content may come from a server that is not the registry's."""
    seen: list[str | None] = []
    digest = manifests.digest_of(b"content")

    def elsewhere(_method: str, _path: str, headers: Mapping[str, str]) -> Answer:
        seen.append(headers.get("Authorization"))
        return 200, {}, b"content"

    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine localhost login other password canary-netrc\n")
    with scripted(elsewhere) as storage:

        def script(method: str, _path: str, headers: Mapping[str, str]) -> Answer:
            if "Authorization" not in headers:
                return 401, {"WWW-Authenticate": 'Basic realm="test"'}, b""
            seen.append(headers["Authorization"])
            location = f"http://{storage}/content?signed=1"
            return (307, {"Location": location}, b"") if method == "GET" else (202, {"Location": location}, b"")

        with scripted(script) as host, connected(host, pauses=QUICK) as connection:
            monkeypatch.setenv("DOCKER_AUTH_CONFIG", auths(host))
            assert blobs.small(connection, "a", digest) == b"content"
            with pytest.raises(RegistryError):
                blobs.upload(connection, "a", digest, 7, lambda: [b"content"])
    proof = "Basic " + base64.b64encode(b"me:canary").decode()
    assert set(seen) == {proof, None}
    assert seen.count(None) >= 2


def test_logins_go_nowhere_without_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry by https must not name a token server by http, nor a place for uploads."""
    from builder.registry import tokens

    monkeypatch.setenv("DOCKER_AUTH_CONFIG", auths("example.test"))
    with connected("example.test") as connection:
        assert connection.url == "https://example.test/v2/"
        with pytest.raises(RegistryError, match="without encryption: nothing was sent"):
            tokens.token(connection, credentials.login("example.test"), {"realm": "http://example.test/token"}, "")
    with connected("example.test:5000", insecure=["example.test:5000"]) as connection:
        assert connection.url == "http://example.test:5000/v2/"


@pytest.mark.parametrize("text", ["{", "[1]", '{"auths": 1}', '{"auths": {"a.io": {"auth": "canary"}}}', '"x"'])
def test_logins_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read") as error:
        credentials.login("a.io", {"DOCKER_AUTH_CONFIG": text})
    assert "canary" not in str(error.value)


def test_a_file_of_logins_that_cannot_be_read(no_logins: Path) -> None:
    (no_logins / "config.json").write_text('{"auths": {"a.io": {"auth": "canary"}}}')
    with pytest.raises(InputError, match="cannot be read") as error:
        credentials.login("a.io", {})
    assert "canary" not in str(error.value)


@pytest.mark.filterwarnings("ignore:docker-credential-absent")
def test_a_credential_helper_is_asked(no_logins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = no_logins / "docker-credential-toy"
    helper.write_text('#!/bin/sh\ncat >/dev/null\necho \'{"Username": "me", "Secret": "canary"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{no_logins}:/usr/bin:/bin")
    (no_logins / "config.json").write_text('{"credHelpers": {"a.io": "toy", "b.io": "absent"}}')
    found = credentials.login("a.io", {})
    assert found
    assert (found.user, found.password) == ("me", "canary")
    assert "canary" not in repr(found)
    assert credentials.login("c.io", {}) is None
    with pytest.raises(InputError, match=r"cannot be read for b\.io"):
        credentials.login("b.io", {})
