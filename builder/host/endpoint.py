"""Which engine is meant, as the docker command decides it: DOCKER_HOST, else DOCKER_CONTEXT, else the current context.

https://docs.docker.com/engine/manage-resources/contexts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from builder.errors import EngineError

DEFAULT = "default"
LOCAL = (None, "", "localhost", "127.0.0.1", "::1")
"""Hosts of an address; a socket has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The address of an engine, and what names it; empty where nothing does."""

    address: str
    named_by: str = ""

    def __str__(self) -> str:
        return f"{self.address}, which {self.named_by} names" if self.named_by else self.address

    @property
    def is_remote(self) -> bool:
        """Whether it is on another machine, which has none of this one's files."""
        return urlsplit(self.address).hostname not in LOCAL


def endpoint(environ: Mapping[str, str]) -> Endpoint:
    """The engine's address; raises EngineError for a context that is not there."""
    from docker.constants import DEFAULT_UNIX_SOCKET

    if host := environ.get("DOCKER_HOST"):
        return Endpoint(address=host, named_by="DOCKER_HOST")
    name, named_by = current(environ)
    if name == DEFAULT:
        return Endpoint(address=DEFAULT_UNIX_SOCKET.removeprefix("http+"))
    return Endpoint(address=host_of(name, named_by), named_by=f"the context {name} of {named_by}")


def current(environ: Mapping[str, str]) -> tuple[str, str]:
    """The name of the current context, and what sets it."""
    from docker.context.config import get_current_context_name
    from docker.utils.config import find_config_file

    if name := environ.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    return get_current_context_name() or DEFAULT, str(find_config_file() or "no file")


def host_of(name: str, named_by: str) -> str:
    """The address in a context; raises EngineError when there is none of that name, or it names no engine."""
    from docker.context import ContextAPI
    from docker.errors import ContextException

    try:
        found = ContextAPI.get_context(name)
    except (ContextException, OSError, ValueError) as error:
        raise EngineError(f"Docker's context {name}, of {named_by}: {error}", hint="docker context ls") from None
    if not found or not found.Host:
        raise EngineError(f"Docker has no context {name}, and {named_by} names it", hint="docker context ls")
    return str(found.Host)
