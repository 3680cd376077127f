"""Requests to one registry: logged in as the registry asks, repeated where that may help, redirected without secrets.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md, https://distribution.github.io/distribution/spec/auth/
"""

import ipaddress
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

from builder.errors import CancelledError, RegistryError, UnavailableError
from builder.host.site import Site
from builder.matrix.reference import DOCKER_HUB
from builder.registry import tokens
from builder.registry.credentials import CERTIFICATES, certificate
from builder.registry.refusals import brief, refusal

if TYPE_CHECKING:
    import requests

HUB = "registry-1.docker.io"
PAUSES = (0.3, 1.0, 3.0, 8.0, 20.0)
"""Seconds before each further attempt, half of it at random."""
LONGEST_WAIT = 60.0
TIMEOUT = (10.0, 120.0)
UNAUTHORIZED = 401
POOL = 16
T = TypeVar("T")


class Body(Protocol):
    """What is sent: its length is known, its bytes are made while they are sent."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One registry, the requests in flight to it, and what it granted. Safe for several threads."""

    host: str
    """As references name it."""
    url: str
    session: "requests.Session"
    granted: dict[str, tokens.Grant] = field(default_factory=dict, repr=False)
    pauses: tuple[float, ...] = PAUSES
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def connected(
    host: str, *, insecure: Iterable[str] = (), ca_bundle: Path | None = None, pauses: tuple[float, ...] = PAUSES
) -> Iterator[Connection]:
    """A connection to the registry of that host; plain http only to this machine and to hosts named in `insecure`."""
    import requests
    from requests.adapters import HTTPAdapter

    with requests.Session() as session:
        scheme = "http" if is_local(host) or host in insecure else "https"
        session.mount(f"{scheme}://", HTTPAdapter(pool_connections=POOL, pool_maxsize=POOL))
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "framework-images"})
        session.trust_env = not is_local(host)  # a proxy is between us and others, never between us and this machine
        if trusted := certificate(host, ca_bundle):
            session.verify = str(trusted)
        address = HUB if host == DOCKER_HUB else host
        yield Connection(host=host, url=f"{scheme}://{address}/v2/", session=session, pauses=pauses)


@contextmanager
def linked(site: Site, host: str, *, pauses: tuple[float, ...] = PAUSES) -> Iterator[Connection]:
    """A connection as the site wants it."""
    insecure, bundle = site.insecure_registries, site.ca_bundle
    with connected(host, insecure=insecure, ca_bundle=bundle, pauses=pauses) as found:
        yield found


def is_local(host: str) -> bool:
    """Whether the host is this machine, where nobody listens on the wire."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def repeated(connection: Connection, attempt: Callable[[], T], settled: Callable[[], T | None] | None = None) -> T:
    """What the attempt returns; after a failure that may pass it asks `settled`, waits, and tries again.

    `settled` says whether the failed request was carried out after all: answers get lost. Raises what the last
    attempt raised, and CancelledError when the run is stopped meanwhile.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except UnavailableError as error:
            if settled and (found := settled()) is not None:
                return found
            failures += 1
            pause(connection, failures, error)


def pause(connection: Connection, failures: int, error: UnavailableError) -> None:
    """Wait before another attempt, after so many failed ones; raises the error when there were enough."""
    if failures > len(connection.pauses):
        raise error
    seconds = (connection.pauses or (0.0,))[max(failures - 1, 0)] * random.uniform(0.5, 1)  # noqa: S311 (jitter)
    if connection.stopping.wait(max(seconds, min(error.wait, LONGEST_WAIT))):
        raise CancelledError("interrupted while it waited for a registry")


def ask(
    connection: Connection,
    method: str,
    path: str,
    *,
    scope: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    expected: tuple[int, ...] = (200,),
) -> "requests.Response":
    """The answer to a request that may be repeated; raises RegistryError unless its status is expected."""
    return repeated(
        connection,
        lambda: once(connection, method, path, scope=scope, headers=headers, body=body, expected=expected),
    )


def once(
    connection: Connection,
    method: str,
    path: str,
    *,
    scope: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | Body | None = None,
    expected: tuple[int, ...] = (200,),
) -> "requests.Response":
    """The answer to one request, its content not read yet; raises UnavailableError or RegistryError."""
    url = urljoin(connection.url, path)
    answer = sent(connection, method, url, scope, headers or {}, body)
    if answer.status_code == UNAUTHORIZED and same_origin(connection, url):
        tokens.renew(connection, scope, answer)
        if body is None or isinstance(body, bytes):
            answer = sent(connection, method, url, scope, headers or {}, body)
        else:
            raise UnavailableError(f"{connection.host}: its login ended during an upload", status=UNAUTHORIZED)
    if answer.status_code in expected:
        return answer
    if answer.status_code == UNAUTHORIZED and same_origin(connection, url):
        answer.close()
        raise tokens.refused(connection)
    raise refusal(connection.host, method, url, answer)


def sent(
    connection: Connection, method: str, url: str, scope: str, headers: Mapping[str, str], body: bytes | Body | None
) -> "requests.Response":
    """The answer, whatever it says; raises UnavailableError when there is none."""
    import requests

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Without this, requests would send what ~/.netrc says in place of what the registry granted.
        if same_origin(connection, url) and (found := tokens.header(connection, scope)):
            request.headers["Authorization"] = found
        return request

    data: Any = body
    try:
        return connection.session.request(
            method,
            url,
            headers=dict(headers),
            data=data,
            auth=sign,
            verify=connection.session.verify,  # said again, or $REQUESTS_CA_BUNDLE would win
            stream=True,
            timeout=TIMEOUT,
            allow_redirects=method in ("GET", "HEAD"),
        )
    except requests.exceptions.SSLError as error:
        hint = f"put its certificate into {CERTIFICATES / connection.host}/ca.crt, or name a ca-bundle in the site file"
        raise RegistryError(f"{connection.host}: its certificate is not trusted: {brief(error)}", hint=hint) from None
    except requests.exceptions.RequestException as error:
        raise UnavailableError(
            f"{connection.host}: no answer to {method} {urlsplit(url).path}: {brief(error)}",
            hint=f"is the registry running, and is {connection.host} its name? Then repeat the command: it resumes",
        ) from None


def same_origin(connection: Connection, url: str) -> bool:
    """Whether a login may go there: an upload may continue on another host, which gets none."""
    return urlsplit(url)[:2] == urlsplit(connection.url)[:2]
