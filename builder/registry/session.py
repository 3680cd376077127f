"""What is kept while a registry is spoken to: its address, the requests in flight, and what it granted."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.host.retry import RetryPolicy

if TYPE_CHECKING:
    import requests

POLICY = RetryPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The Authorization header for one scope, and its end on the monotonic clock."""

    header: str = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One registry, the requests in flight to it, and what it granted. Safe for several threads."""

    host: str
    """The host as references name it."""
    url: str
    session: "requests.Session"
    granted: dict[str, Grant] = field(default_factory=dict, repr=False)
    policy: RetryPolicy = POLICY
