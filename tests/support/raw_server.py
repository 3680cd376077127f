"""A server that sends bytes as they are, and then goes on badly."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BLOCK = b"x" * 65_536


@contextmanager
def raw_server(first: bytes, then: str) -> Iterator[str]:
    """A server that sends `first` to each request, and then will `close`, be `silent`, `drip` or `flood`."""
    over = threading.Event()

    def answer(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(65_536)
            client.sendall(first.replace(b"HOST", host.encode()))
            while then != "close" and not over.wait(0 if then == "flood" else 0.05):
                if then != "silent":
                    client.sendall(BLOCK if then == "flood" else b"x")

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=answer, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"localhost:{listener.getsockname()[1]}"
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield host
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
