"""What a step of a build reaches on this host: a server of the test, which may keep the step waiting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker

ASK = "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://%s:%d/', timeout=120)"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStep:
    """An instruction for an image that is carried out when `go_on` is set, and not before."""

    instruction: str
    go_on: threading.Event = field(default_factory=threading.Event)


def gateway(engine: docker.DockerClient) -> str:
    """The address of this host inside of builds."""
    return str(engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])


@contextmanager
def held_step(engine: docker.DockerClient) -> Iterator[HeldStep]:
    """A step that waits for the test, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            step.go_on.wait(120)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer((gateway(engine), 0), Handler) as server:
        step = HeldStep(instruction=f'RUN /opt/env/bin/python -c "{ASK % server.server_address[:2]}"')
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield step
        finally:
            step.go_on.set()
            server.shutdown()
