"""Answers over HTTP that come in time: a server that drips is one that does not answer.

A limit on silence, as sockets have it, never ends while a byte comes now and then. So an answer, its headers included,
has the patience of its socket and a second for each LEAST_RATE bytes; only the time spent waiting counts.
"""

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import inf
from typing import TYPE_CHECKING, Any

from builder.host.limits import LEAST_RATE, SILENT_SECONDS

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

UNTIL: ContextVar[float] = ContextVar("UNTIL", default=inf)
"""The end of the operation that this thread does, on the monotonic clock."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block is one operation: no answer is read later than that, nor later than an outer block says."""
    token = UNTIL.set(min(UNTIL.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        UNTIL.reset(token)


class PacedReader(io.RawIOBase):
    """What a server sends over a socket, for as long as it comes fast enough; else a TimeoutError."""

    def __init__(self, connection: socket.socket, raw: io.RawIOBase) -> None:
        super().__init__()
        self.connection, self.raw = connection, raw
        self.silence = self.left = connection.gettimeout() or SILENT_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """The number of bytes that came."""
        began = time.monotonic()
        patience = min(self.left, UNTIL.get() - began)
        if patience <= 0:
            raise TimeoutError("the answer comes too slowly")
        self.connection.settimeout(patience)
        try:
            size: int | None = self.raw.readinto(buffer)
        finally:
            with suppress(OSError):  # the next request over this connection has its own patience
                self.connection.settimeout(self.silence)
        self.left += (size or 0) / LEAST_RATE - (time.monotonic() - began)
        return size

    def close(self) -> None:
        self.raw.close()
        super().close()


class PacedResponse(http.client.HTTPResponse):
    """An answer that is read by a PacedReader."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:  # noqa: ANN401 (as the base class)
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(PacedReader(sock, self.fp.detach()))
