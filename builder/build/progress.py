"""Reads BuildKit's status stream: the current step is shown to a person, everything is kept in a log file.

The stream is `--progress=rawjson`: https://github.com/moby/buildkit/blob/master/client/graph.go, pretty-printed by
some versions of buildx and one document a line in others, with plain lines in between.
"""

import base64
import json
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self, TextIO

from builder.errors import harmless

LAST_LINES = 20
RUN = re.compile(r"\[[^]]+\] RUN ")
MOUNT = re.compile(r"--(mount|link|checksum|from)=?\S*\s+")
Document = dict[str, Any]


def documents(lines: Iterable[str]) -> Iterator[Document | str]:
    """Each JSON document of the stream, and each plain line between them."""
    pending: list[str] = []
    for line in lines:
        text = line.rstrip("\n")
        if pending or text == "{":
            pending.append(text)
            if text != "}":
                continue
            text, pending = "\n".join(pending), []
        try:
            found = json.loads(text) if text.startswith("{") else text
        except ValueError:
            found = text
        yield found


@dataclass(slots=True, kw_only=True)
class Watch:
    """One image's build: its running step, its last lines, and where its log is written."""

    name: str
    log: TextIO
    echo: TextIO | None = None
    """A second stream for the whole log, with --verbose."""
    replay: str = ""
    began: float = field(default_factory=time.monotonic)
    step: str = "waiting"
    failed: str | None = None
    failed_step: str = ""
    ran: bool = False
    """Whether a RUN step was executed rather than found in the cache."""
    steps: dict[str, str] = field(default_factory=dict)
    last: dict[str, deque[str]] = field(default_factory=dict)
    plain: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def feed(self, document: Document | str) -> bool:
        """Read one document or line; returns whether the current step changed."""
        if isinstance(document, str):
            self.plain.append(harmless(document))
            self.write(document)
            return False
        before = self.step
        for vertex in document.get("vertexes") or ():
            self.take(vertex)
        for entry in document.get("logs") or ():
            self.take_log(entry)
        self.log.flush()
        return self.step != before

    def take(self, vertex: Document) -> None:
        """A step that started, ended or failed."""
        # Without mounts and flags, on one line.
        digest, name = vertex["digest"], harmless(" ".join(MOUNT.sub("", vertex.get("name", "")).split()))
        known = self.steps.get(digest)
        if vertex.get("error"):
            if self.failed is None and "context canceled" not in vertex["error"]:
                self.failed, self.failed_step = digest, name
            self.write(f"FAILED {name}: {vertex['error']}")
        elif vertex.get("completed") and known != "done":
            self.steps[digest] = "done"
            self.ran |= bool(RUN.match(name)) and not vertex.get("cached")
            self.write(f"{'CACHED' if vertex.get('cached') else 'DONE'} {name}")
        elif vertex.get("started") and known is None:
            self.steps[digest] = "running"
            self.step = name
            self.write(f"START {vertex['name']}")

    def take_log(self, entry: Document) -> None:
        text = base64.b64decode(entry.get("data") or "").decode("utf-8", errors="replace")
        lines = self.last.setdefault(entry["vertex"], deque(maxlen=LAST_LINES))
        for line in map(harmless, text.replace("\r", "\n").split("\n")):
            if line:
                lines.append(line)
                self.write("  " + line)

    def write(self, said: str) -> None:
        """Add a line, which may be foreign, to the log and its echo."""
        line = harmless(said)
        print(f"{self.elapsed:8.1f} {line}", file=self.log)
        if self.echo:
            print(f"{self.name}: {line}", file=self.echo, flush=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the build began."""
        return time.monotonic() - self.began

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of the failing step, or of the build."""
        return tuple(self.last.get(self.failed or "", ()) or self.plain)


class Display:
    """The lines on stderr: redrawn on a terminal, plain elsewhere. Safe for several threads."""

    def __init__(self, stream: TextIO = sys.stderr, *, live: bool = True) -> None:
        self.stream = stream
        self.live = live and stream.isatty()
        self.watches: list[Watch] = []
        self.drawn = 0
        self.lock = threading.Lock()
        self.finished = threading.Event()
        self.ticker = threading.Thread(target=self.tick, daemon=True)

    def __enter__(self) -> Self:
        if self.live:
            self.ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finished.set()
        with self.lock:
            self.erase()

    def tick(self) -> None:
        while not self.finished.wait(0.25):
            with self.lock:
                self.draw()

    def add(self, watch: Watch) -> None:
        with self.lock:
            self.watches.append(watch)

    def remove(self, watch: Watch) -> None:
        with self.lock:
            self.watches.remove(watch)

    def step(self, watch: Watch) -> None:
        """Show the step that the image has now."""
        if not self.live:
            self.say(f"{watch.name}: {watch.elapsed:.0f} s: {watch.step[:160]}")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        with self.lock:
            self.erase()
            print(harmless(line), file=self.stream, flush=True)
            self.draw()

    def erase(self) -> None:
        if self.live and self.drawn:
            self.stream.write(f"\x1b[{self.drawn}F\x1b[J")
            self.drawn = 0

    def draw(self) -> None:
        if not self.live or self.finished.is_set():
            return
        import shutil

        self.erase()
        width = shutil.get_terminal_size().columns - 1
        for watch in self.watches:
            line = f"{watch.name}  {int(watch.elapsed) // 60}:{int(watch.elapsed) % 60:02}  {watch.step}"
            print(line[:width], file=self.stream)
        self.drawn = len(self.watches)
        self.stream.flush()
