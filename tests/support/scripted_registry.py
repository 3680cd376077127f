"""A registry that is a script: each request is answered by a function of the test."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, Mapping[str, str], bytes]
Script = Callable[[str, str, Mapping[str, str]], Answer]
"""Status, headers and content for a method, a path and the headers, among which `body` is the content sent."""


class Quiet(ThreadingHTTPServer):
    """A server that says nothing of clients that go away in the midst of an answer."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server on this machine that answers what the script says, over TLS where a context is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self.do
            raise AttributeError(name)

        def do(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status, headers, content = script(self.command, self.path, {**dict(self.headers), "body": sent})
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
