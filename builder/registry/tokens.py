"""Logins to a registry: a password at each request, or a token from the server that it names.

https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/ for identity tokens.
"""

import base64
import math
import re
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.errors import RegistryError, UnavailableError
from builder.host.cache import SHAPE
from builder.host.foreign_json import foreign_json
from builder.host.limits import TOKEN_BYTES
from builder.registry import credentials
from builder.registry.answers import address, whole
from builder.registry.credentials import Login
from builder.registry.session import Connection, Grant

if TYPE_CHECKING:
    import requests

SECONDS = 60
"""Seconds that a token is valid when its server does not say."""
EARLY = 10.0
"""Seconds before its end at which a token is no longer used: an answer takes time."""
OK = 200
TIMEOUT = (10.0, 30.0)
CLIENT = "framework-images"


def header(connection: Connection, scope: str) -> str | None:
    """The header for requests of that scope, or None when there is no grant or it ends soon."""
    grant = connection.granted.get(scope)
    return grant.header if grant and time.monotonic() < grant.until else None


def renew(connection: Connection, scope: str, answer: "requests.Response") -> None:
    """Get the grant that a refusal asks for; raises RegistryError when the login is missing or wrong."""
    asked = answer.headers.get("WWW-Authenticate", "")
    sent = answer.request.headers.get("Authorization")
    answer.close()
    login = credentials.login(connection.host)
    if match := re.search(r"\bbearer\s+(.+)", asked, re.IGNORECASE):
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
        connection.granted[scope] = token(connection, login, parameters, scope)
        return
    if login is None or not login.user or sent == basic(login):
        raise refused(connection)
    connection.granted[scope] = Grant(header=basic(login), until=float("inf"))


def basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


def refused(connection: Connection) -> RegistryError:
    """The error of a missing or wrong login."""
    is_known = credentials.login(connection.host) is not None
    what = "refuses the login that docker has for it: wrong or expired" if is_known else "wants a login"
    return RegistryError(f"{connection.host} {what}", hint=f"docker login {connection.host}", status=401)


def token(connection: Connection, login: Login | None, asked: Mapping[str, str], scope: str) -> Grant:
    """A token of that scope from the server that the registry names. An https registry must name an https server."""
    realm = address(connection, "", asked.get("realm", ""))
    if not may_get(connection, realm, login):
        raise RegistryError(f"{connection.host} sends its logins to a server without encryption: nothing was sent")
    answer = exchanged(connection, realm, login, asked, scope)
    content = whole(connection, answer, TOKEN_BYTES)
    if answer.status_code in (401, 403):
        raise refused(connection)
    if answer.status_code != OK:
        what = f"{connection.host}: its token server answers {answer.status_code}"
        if answer.status_code in (408, 429) or answer.status_code >= 500:  # noqa: PLR2004 (the server's own errors)
            raise UnavailableError(what, status=answer.status_code)
        raise RegistryError(what, status=answer.status_code)
    return grant_of(connection, content)


def may_get(connection: Connection, realm: str, login: Login | None) -> bool:
    """Whether a token server may be asked. One without encryption gets a login only when it is the registry itself."""
    scheme, place, *_ = urlsplit(realm)
    if scheme == "https" or connection.url.startswith("https:"):
        return scheme == "https"
    return scheme == "http" and (login is None or place == urlsplit(connection.url).netloc)


def exchanged(
    connection: Connection, realm: str, login: Login | None, asked: Mapping[str, str], scope: str
) -> "requests.Response":
    """The answer of the token server. An identity token is sent in the body, a password in a header."""
    import requests

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if login and login.user:
            request.headers["Authorization"] = basic(login)
        return request

    session, service = connection.session, {"service": asked["service"]} if "service" in asked else {}
    send = partial(
        session.request,
        url=realm,
        auth=sign,
        verify=session.verify,
        timeout=TIMEOUT,
        allow_redirects=False,
        stream=True,
    )
    try:
        if login and login.token:
            secret = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": login.token}
            return send("POST", data={**service, **secret, "scope": scope})
        return send("GET", params={**service, "scope": scope.split()})
    except requests.exceptions.RequestException as error:
        what = f"{connection.host}: its token server does not answer ({type(error).__name__})"
        raise UnavailableError(what) from None


def grant_of(connection: Connection, content: bytes) -> Grant:
    try:
        found = foreign_json(content)
        seconds = min(float(found.get("expires_in") or SECONDS), 86400.0)
        text = str(found.get("token") or found["access_token"])
    except SHAPE:
        raise RegistryError(f"{connection.host}: its token server gives no token") from None
    if not re.fullmatch(r"[\x21-\x7e]+", text) or math.isnan(seconds):
        raise RegistryError(f"{connection.host}: its token server gives no token")
    return Grant(header=f"Bearer {text}", until=time.monotonic() + max(seconds - EARLY, seconds / 2))
