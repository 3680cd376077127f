"""A server that never comes to an end: a byte of its answer now and then."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PAUSE_SECONDS = 0.05


@contextmanager
def dripping() -> Iterator[str]:
    """The host of such a server, for as long as the block lasts."""
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not stop.wait(PAUSE_SECONDS):
                    self.request.sendall(b"x")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"localhost:{server.server_address[1]}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
