"""The API server of `cluster_state` over HTTP: its paths, its faults, its logs."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.support.cluster_state import KINDS, LOST, RESET, ApiServer, Object, failure


@contextmanager
def serving(directory: Path) -> Iterator[ApiServer]:
    """A server, and the kubeconfig that leads to it."""
    state = ApiServer(kubeconfig=directory / "kubeconfig")
    handler = type("Handler", (Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.kubeconfig.write_text(kubeconfig(f"http://127.0.0.1:{server.server_port}"), "utf-8")
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig(url: str) -> str:
    context = {"name": "here", "context": {"cluster": "c", "user": "u"}}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "token"}}],
            "contexts": [context],
        }
    )


class Handler(BaseHTTPRequestHandler):
    state: ApiServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_arguments: object) -> None:
        pass

    def answered(self) -> None:
        url = urlsplit(self.path)
        before, _, after = url.path.partition("/namespaces/team/")
        plural, _, rest = after.partition("/")
        size = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(size) or b"null")
        self.state.seen.append(f"{self.command} {plural}")
        waiting = self.state.faults.get(f"{self.command} {plural}", [])
        fault = waiting.pop(0) if waiting else 0
        if fault == RESET:
            self.reset()
        elif fault > 0:
            self.reply(fault, failure(f"injected {fault}"))
        elif plural == "pods" and rest.endswith("/log"):
            self.log(rest.partition("/")[0], follow=parse_qs(url.query).get("follow") == ["True"])
        else:
            status, body = self.result(before, plural, rest, sent)
            self.reset() if fault == LOST else self.reply(status, body)

    do_GET = do_POST = do_PATCH = do_DELETE = answered  # noqa: N815 (the names that the base class calls)

    def result(self, before: str, plural: str, name: str, sent: Any) -> tuple[int, Object]:
        groups = {
            "jobs": "/apis/batch/v1",
            "pytorchjobs": "/apis/kubeflow.org/v1",
            "mpijobs": "/apis/kubeflow.org/v2beta1",
        }
        if plural in ("pods", "events") and self.command == "GET":
            found = self.state.pods if plural == "pods" else [{"message": text} for text in self.state.events]
            return 200, {"items": found}
        if plural not in KINDS or before != groups.get(plural, "/api/v1"):
            return 404, failure("page not found")
        if self.command == "POST":
            return self.state.post(plural, sent)
        if (plural, name) not in self.state.objects:
            return 404, failure("not found")
        return self.of_one(plural, name, sent)

    def of_one(self, plural: str, name: str, sent: Any) -> tuple[int, Object]:
        if self.command == "DELETE":
            return self.state.delete(plural, name)
        if self.command == "PATCH":
            assert self.headers["Content-Type"] == "application/merge-patch+json"
            return self.state.patch(plural, name, sent)
        return 200, self.state.objects[plural, name]

    def reply(self, status: int, body: Object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log(self, name: str, *, follow: bool) -> None:
        """All parts until now; with `follow` the next one, after which the connection breaks unless it is the last."""
        if name not in self.state.logs:
            self.reply(404, failure(f"pods {name} not found"))
            return
        parts = self.state.logs[name]
        data, is_cut = b"".join(parts), False
        if follow and len(parts) > 1:
            data, is_cut = parts[0], True
            self.state.logs[name] = [parts[0] + parts[1], *parts[2:]]
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if data else b"")
        self.wfile.flush()
        if is_cut:
            self.reset()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def reset(self) -> None:
        """Reset the connection instead of an answer."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
