"""A package index on this machine, with the failures that indexes have."""

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass(slots=True, kw_only=True)
class Index:
    """What is there, by file name, and how it is given."""

    files: dict[str, bytes]
    promised: dict[str, str] = field(default_factory=dict)
    """Another sha256 than the file's own, on its project's page."""
    cut: dict[str, int] = field(default_factory=dict)
    """How often a file is cut off in the middle."""
    step: int | None = None
    """How many bytes of a file come before the connection is cut, each time."""
    busy: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Status and Retry-After of the next answers to who asks for a file."""
    page: tuple[int, str] | None = None
    """The answer to each question for a page, instead of a right one."""
    heads: bool = False
    """Whether HEAD is answered. Where it is not, pip and uv ask as most indexes make them."""
    gate: threading.Event | None = None
    """No file is given beyond its first half until this is set."""
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def listing(self, project: str) -> str:
        """The page of a project as JSON; empty when it has no file."""
        names = [name for name in self.files if re.split("-[0-9]", name)[0].replace("_", "-") == project]
        entries = [
            {
                "filename": name,
                "url": f"{self.url}/files/{name}",
                "size": len(self.files[name]),
                "hashes": {"sha256": self.promised.get(name) or hashlib.sha256(self.files[name]).hexdigest()},
            }
            for name in names
        ]
        return json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": entries}) if entries else ""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers for the index of its server."""

    server: "Server"

    def do_GET(self) -> None:
        """A file, or the page of a project."""
        self.server.index.asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        with suppress(ConnectionError):
            if self.path.startswith("/files/"):
                self.file(unquote(self.path.removeprefix("/files/")))
            else:
                self.listing()

    def do_HEAD(self) -> None:
        """The size of a file, or no answer but that one is not there."""
        content = self.server.index.files.get(unquote(self.path.removeprefix("/files/")))
        if content is None or not self.server.index.heads:
            self.send_error(404 if content is None else 501)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def listing(self) -> None:
        index = self.server.index
        code, text = index.page or (200, index.listing(self.path.strip("/").split("/")[-1]))
        self.answer(code if text else 404, text.encode(), "application/vnd.pypi.simple.v1+json")

    def file(self, name: str) -> None:
        index = self.server.index
        if name not in index.files:
            self.answer(404, b"", "text/plain")
            return
        if index.busy.get(name):
            status, wait = index.busy[name].pop(0)
            self.answer(status, b"", "text/plain", {"Retry-After": wait})
            return
        content = index.files[name]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if start and start >= len(content):
            self.answer(416, b"", "text/plain")
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if index.step:
            self.wfile.write(content[start : start + index.step])
            self.close_connection = True
            return
        half = max(start, len(content) // 2)
        self.wfile.write(content[start:half])
        self.wfile.flush()
        if index.gate:
            index.gate.wait(60)
        if index.cut.get(name, 0) > 0:
            index.cut[name] -= 1
            self.close_connection = True
            return
        self.wfile.write(content[half:])

    def answer(self, code: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """One index; its threads do not outlive the test."""

    daemon_threads = True

    def __init__(self, index: Index, host: str) -> None:
        super().__init__((host, 0), Handler)
        self.index = index


@contextmanager
def serving(index: Index, host: str = "127.0.0.1") -> Iterator[Index]:
    """The index as `index.url` + `/simple`, for as long as the block lasts."""
    server = Server(index, host)
    index.url = f"http://{host}:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield index
    finally:
        if index.gate:
            index.gate.set()
        server.shutdown()
        server.server_close()
