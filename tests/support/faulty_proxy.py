"""A proxy before a registry that does what networks and registries do: refuse, fail, break off, forget to answer, lie."""

import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Kind = Literal["status", "reset", "truncate", "lose-answer", "change-answer", "hang"]
HOP = {"connection", "transfer-encoding", "keep-alive"}


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to the next requests that match, as many as `times` says; `after` requests are let through first."""

    method: str
    path: str
    kind: Kind
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that reached the proxy."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Proxy:
    """The proxy's address, the faults that wait, and what was asked."""

    host: str
    faults: list[Fault]
    seen: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when a fault has happened."""

    def next(self, method: str, path: str) -> Fault | None:
        """The fault of this request, which counts it."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.fullmatch(fault.method, method) and re.search(fault.path, path):
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    self.reached.set()
                    return fault
        return None

    def count(self, method: str, path: str) -> int:
        """How many such requests there were."""
        return sum(one.method == method and bool(re.search(path, one.path)) for one in tuple(self.seen))


@contextmanager
def before(host: str, *faults: Fault) -> Iterator[Proxy]:
    """A proxy before the registry of that host."""
    proxy = Proxy(host="", faults=list(faults))

    class Handler(Forwarder):
        target, state = host, proxy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.host = f"localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


class Forwarder(BaseHTTPRequestHandler):
    """One connection of a client; requests go to `target` with their own Host, so that its redirects come back here."""

    protocol_version = "HTTP/1.1"
    target: str
    state: Proxy

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, socket.timeout):
            super().handle_one_request()
            return
        self.close_connection = True

    def do(self) -> None:
        self.state.seen.append(Seen(method=self.command, path=self.path, headers=dict(self.headers)))
        fault = self.state.next(self.command, self.path)
        if fault is None or fault.kind in ("lose-answer", "change-answer", "truncate"):
            self.forward(fault)
        elif fault.kind == "status":
            self.read_body()
            self.answer(fault.status, {**fault.headers, "Content-Length": "2"}, b"{}")
        elif fault.kind == "hang":
            threading.Event().wait(60)
        else:
            self.reset()

    def forward(self, fault: Fault | None) -> None:
        link = http.client.HTTPConnection(self.target, timeout=60)
        try:
            link.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                link.putheader(name, value)
            link.endheaders()
            if not self.pass_body(link, fault):
                self.reset()
                return
            found = link.getresponse()
            content = found.read() if self.command != "HEAD" else b""
        finally:
            link.close()
        headers = {name: value for name, value in found.getheaders() if name.lower() not in HOP}
        if fault and fault.kind == "lose-answer":
            self.reset()
        elif fault and fault.kind == "change-answer":
            self.answer(
                found.status, {**headers, **fault.headers}, content.replace(b'"schemaVersion"', b'"schemaversion"')
            )
        else:
            self.answer(found.status, headers, content)

    def pass_body(self, link: http.client.HTTPConnection, fault: Fault | None) -> bool:
        """Hand on the request's content, or the first half of it."""
        length = int(self.headers.get("Content-Length") or 0)
        left = length // 2 if fault and fault.kind == "truncate" else length
        while left:
            data = self.rfile.read(min(left, 1 << 16))
            if not data:
                return False
            link.send(data)
            left -= len(data)
        return not (fault and fault.kind == "truncate")

    def read_body(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def reset(self) -> None:
        """Break the connection off without a word."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is treated alike."""
        if name.startswith("do_"):
            return self.do
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""
