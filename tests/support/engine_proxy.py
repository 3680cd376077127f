"""An engine that can die: a socket in front of the real one, cut by a test."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")


class Proxy:
    """Forwards a Unix socket to the engine's until it is cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.ends: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"unix://{self.path}"

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(HOST.removeprefix("unix://"))
                self.ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=forward, args=pair, daemon=True).start()

    def cut(self) -> None:
        """The engine is gone: nothing listens, and every connection ends."""
        self.path.unlink(missing_ok=True)
        for end in (self.listener, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def forward(source: socket.socket, target: socket.socket) -> None:
    """Copy one direction, and hand on its end."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxied(path: Path) -> Iterator[Proxy]:
    proxy = Proxy(path)
    try:
        yield proxy
    finally:
        proxy.cut()
