"""An engine that can die or hesitate: a socket in front of the real one, cut or held by a test."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")


class Proxy:
    """Forwards a Unix socket to the engine's until it is cut; a request with the words in `held` waits for `go_on`."""

    def __init__(self, path: Path, held: bytes | None = None) -> None:
        self.path = path
        self.held = held
        self.reached, self.go_on = threading.Event(), threading.Event()
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
                for ends in ((near, far, self.hold), (far, near)):
                    threading.Thread(target=forward, args=ends, daemon=True).start()

    def hold(self, data: bytes) -> None:
        if self.held and self.held in data:
            self.reached.set()
            self.go_on.wait(60)

    def cut(self) -> None:
        """The engine is gone: nothing listens, and every connection ends."""
        self.path.unlink(missing_ok=True)
        for end in (self.listener, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def forward(source: socket.socket, target: socket.socket, before: Callable[[bytes], None] = lambda _: None) -> None:
    """Copy one direction, and hand on its end; `before` sees each piece before it goes on."""
    with suppress(OSError):
        while data := source.recv(65536):
            before(data)
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxied(path: Path, held: bytes | None = None) -> Iterator[Proxy]:
    proxy = Proxy(path, held)
    try:
        yield proxy
    finally:
        proxy.cut()
