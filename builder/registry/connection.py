"""Requests to one registry: with the login it asks for, tried again after errors that may pass.

A redirect to another server gets no secrets.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md, https://distribution.github.io/distribution/spec/auth/
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

from builder.errors import RegistryError, UnavailableError
from builder.host.retry import RetryPolicy, retry
from builder.host.site import Site
from builder.matrix.reference import DOCKER_HUB
from builder.registry import tokens
from builder.registry.credentials import CERTIFICATES, certificate
from builder.registry.refusals import brief, refusal

if TYPE_CHECKING:
    import requests

HUB = "registry-1.docker.io"
POLICY = RetryPolicy()
TIMEOUT = (10.0, 120.0)
UNAUTHORIZED = 401
POOL = 16
T = TypeVar("T")


class Body(Protocol):
    """A request's content: its length is known, and its bytes are read while they are sent."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One registry, the requests in flight to it, and what it granted. Safe for several threads."""

    host: str
    """The host as references name it."""
    url: str
    session: "requests.Session"
    granted: dict[str, tokens.Grant] = field(default_factory=dict, repr=False)
    policy: RetryPolicy = POLICY


@contextmanager
def connected(
    host: str, *, insecure: Iterable[str] = (), ca_bundle: Path | None = None, pauses: tuple[float, ...] = POLICY.pauses
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
        yield Connection(
            host=host, url=f"{scheme}://{address}/v2/", session=session, policy=replace(POLICY, pauses=pauses)
        )


@contextmanager
def linked(site: Site, host: str, *, pauses: tuple[float, ...] = POLICY.pauses) -> Iterator[Connection]:
    """A connection with the site's certificates and insecure registries."""
    insecure, bundle = site.insecure_registries, site.ca_bundle
    with connected(host, insecure=insecure, ca_bundle=bundle, pauses=pauses) as found:
        yield found


def is_local(host: str) -> bool:
    """Whether the host is this machine, so that nothing goes over a wire."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def repeated(
    connection: Connection,
    attempt: Callable[[], T],
    settled: Callable[[], T | None] = lambda: None,
    *,
    progress: Callable[[], object] = lambda: None,
    deadline: float = POLICY.deadline,
) -> T:
    """What the attempt returns; `retry` says what the other arguments mean. Raises RegistryError."""
    policy = replace(connection.policy, deadline=deadline)
    return retry(attempt, passing=passing, policy=policy, settled=settled, progress=progress)


def passing(error: Exception) -> float | None:
    """The seconds that a registry asks to wait; None for an error that stays."""
    return error.wait if isinstance(error, UnavailableError) else None


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
    """The answer to a request that is safe to repeat; raises RegistryError unless its status is expected."""
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
    """The answer to one request, its content unread; raises UnavailableError or RegistryError."""
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
    """The answer, whatever its status; raises UnavailableError when none comes."""
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
    """Whether a login may be sent to the URL: an upload may continue on another host, which gets none."""
    return urlsplit(url)[:2] == urlsplit(connection.url)[:2]
