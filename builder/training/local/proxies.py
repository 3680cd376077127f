"""The proxies of this host's environment, as a container gets them: in upper and in lower case, as docker has it."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
EXCEPT = "no_proxy"
LOOPBACKS = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 (nothing is bound)


def proxies(around: Mapping[str, str], given: Iterable[str], nodes: Iterable[str] = ()) -> dict[str, str]:
    """The variables of the proxies. What the caller gives in either case stays the caller's.

    `nodes` are the names of the run's own containers, which no proxy reaches.
    """
    theirs = {name.lower() for name in given}
    found = {name: value for name in PROXIES if name not in theirs and (value := of_either_case(around, name))}
    found = {name: value for name, value in found.items() if not is_of_this_host(value)}
    if found and EXCEPT not in theirs and (exceptions := ",".join(left_out(around, nodes))):
        found[EXCEPT] = exceptions
    return {**found, **{name.upper(): value for name, value in found.items()}}


def left_out(around: Mapping[str, str], nodes: Iterable[str]) -> Iterator[str]:
    """What is reached without a proxy."""
    if said := of_either_case(around, EXCEPT):
        yield said
    yield from nodes


def unreachable(around: Mapping[str, str]) -> list[str]:
    """The proxies that a container would look for in itself, e.g. `http://127.0.0.1:3128`."""
    found = (of_either_case(around, name) for name in PROXIES)
    return list(dict.fromkeys(shown(value) for value in found if value and is_of_this_host(value)))


def of_either_case(around: Mapping[str, str], name: str) -> str:
    """The lower case counts first, as in curl."""
    return around.get(name) or around.get(name.upper()) or ""


def is_of_this_host(proxy: str) -> bool:
    host = address(proxy)
    return host is not None and host.startswith(LOOPBACKS)


def shown(proxy: str) -> str:
    """A proxy without its user and password."""
    scheme, _, rest = proxy.rpartition("://")
    return f"{scheme or 'http'}://{rest.rpartition('@')[2]}"


def address(proxy: str) -> str | None:
    try:
        return urlsplit(proxy if "://" in proxy else f"http://{proxy}").hostname
    except ValueError:
        return None
