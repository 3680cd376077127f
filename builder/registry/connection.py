"""Requests to one registry: with the login it asks for, tried again after errors that may pass.

A redirect to another server gets no secrets.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md, https://distribution.github.io/distribution/spec/auth/
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Required, TypedDict, TypeVar, Unpack
from urllib.parse import urljoin, urlsplit

from builder.errors import RegistryError, UnavailableError
from builder.host.limits import BLOB_SECONDS, REGISTRY_SECONDS, SILENT_SECONDS
from builder.host.pace import within
from builder.host.retry import retry
from builder.host.site import Site
from builder.matrix.reference import DOCKER_HUB
from builder.registry import tokens
from builder.registry.credentials import CERTIFICATES, certificate
from builder.registry.refusals import brief, refusal
from builder.registry.session import POLICY, Connection

if TYPE_CHECKING:
    import requests

HUB = "registry-1.docker.io"
CONNECT_SECONDS = 10.0
COMMIT_SECONDS = 120.0
"""How long a registry may be silent while it stores what it got; some move a blob of GB then."""
UNAUTHORIZED = 401
POOL = 16
T = TypeVar("T")


class Body(Protocol):
    """A request's content: its length is known, and its bytes are read while they are sent."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


class Options(TypedDict, total=False):
    """What a request has besides its method and path; `once` says what they mean."""

    scope: Required[str]
    headers: Mapping[str, str]
    body: bytes
    expected: tuple[int, ...]


@contextmanager
def connected(
    host: str,
    *,
    insecure: Iterable[str] = (),
    ca_bundle: Path | None = None,
    pauses: tuple[float, ...] = POLICY.pauses,
    seconds: float = REGISTRY_SECONDS,
) -> Iterator[Connection]:
    """A connection to the registry of that host; plain http only to this machine and to hosts named in `insecure`.

    `seconds` is how long one operation may take, with all attempts.
    """
    import requests

    from builder.registry.paced_adapter import PacedAdapter

    with requests.Session() as session:
        scheme = "http" if is_local(host) or host in insecure else "https"
        for prefix in ("http://", "https://"):  # content and tokens may come from servers of the other kind
            session.mount(prefix, PacedAdapter(pool_connections=POOL, pool_maxsize=POOL))
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "framework-images"})
        session.trust_env = not is_local(host)  # a proxy is between us and others, never between us and this machine
        if trusted := certificate(host, ca_bundle):
            session.verify = str(trusted)
        address = HUB if host == DOCKER_HUB else host
        yield Connection(
            host=host,
            url=f"{scheme}://{address}/v2/",
            session=session,
            policy=replace(POLICY, pauses=pauses, deadline=seconds),
        )


def linked(site: Site, host: str, *, pauses: tuple[float, ...] = POLICY.pauses) -> AbstractContextManager[Connection]:
    """A connection with the site's certificates and insecure registries."""
    return connected(
        host,
        insecure=site.insecure_registries,
        ca_bundle=site.ca_bundle,
        pauses=pauses,
        seconds=site.registry_seconds,
    )


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
) -> T:
    """What the attempt returns, within the time for one operation; raises RegistryError. `retry` explains `settled`."""
    with within(connection.policy.deadline):
        return retry(attempt, passing=passing, policy=connection.policy, settled=settled)


def moving(
    connection: Connection,
    attempt: Callable[[], T],
    settled: Callable[[], T | None] = lambda: None,
    *,
    progress: Callable[[], object],
) -> T:
    """The same for blobs: no attempt begins when the time for one operation has passed without progress."""
    policy = replace(connection.policy, deadline=BLOB_SECONDS, stalled=connection.policy.deadline)
    return retry(attempt, passing=passing, policy=policy, settled=settled, progress=progress)


def passing(error: Exception) -> float | None:
    """The seconds that a registry asks to wait; None for an error that stays."""
    return error.wait if isinstance(error, UnavailableError) else None


def ask(connection: Connection, method: str, path: str, **options: Unpack[Options]) -> "requests.Response":
    """The answer to a request that is safe to repeat; raises RegistryError unless its status is expected."""
    return repeated(connection, lambda: once(connection, method, path, **options))


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
    most, silence = connection.policy.deadline, SILENT_SECONDS if method in ("GET", "HEAD") else COMMIT_SECONDS
    try:
        return connection.session.request(
            method,
            url,
            headers=dict(headers),
            data=data,
            auth=sign,
            verify=connection.session.verify,  # said again, or $REQUESTS_CA_BUNDLE would win
            stream=True,
            timeout=(min(CONNECT_SECONDS, most), min(silence, most)),
            allow_redirects=method in ("GET", "HEAD"),
        )
    except requests.exceptions.SSLError as error:
        hint = f"put its certificate into {CERTIFICATES / connection.host}/ca.crt, or name a ca-bundle in the site file"
        raise RegistryError(f"{connection.host}: its certificate is not trusted: {brief(error)}", hint=hint) from None
    except (ValueError, requests.exceptions.InvalidSchema) as error:
        raise RegistryError(f"{connection.host}: it redirects to an address that is none: {brief(error)}") from None
    except requests.exceptions.RequestException as error:
        raise UnavailableError(
            f"{connection.host}: no answer to {method} {urlsplit(url).path}: {brief(error)}",
            hint=f"is the registry running, and is {connection.host} its name? Then repeat the command: it resumes",
        ) from None


def same_origin(connection: Connection, url: str) -> bool:
    """Whether a login may be sent to the URL: an upload may continue on another host, which gets none."""
    return urlsplit(url)[:2] == urlsplit(connection.url)[:2]
