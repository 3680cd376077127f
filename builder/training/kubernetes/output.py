"""The output of the pods of a run, as it comes, in whole lines. With several pods each line begins with its pod.

The cluster sends the time of each line. After a lost connection, the log is read on from the last time.
"""

import contextlib
import datetime as dt
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from builder.errors import BuilderError, ClusterError
from builder.training.kubernetes import state
from builder.training.kubernetes.api import MISSING, Cluster
from builder.training.kubernetes.pods import Object

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CHUNK = 1 << 16
LONGEST = 1 << 20
SKEW = 60
"""Seconds by which this host's clock may be wrong. Lines that were shown are not shown again."""
ENDING = 5.0
Emit = Callable[[bytes], None]


class Followers:
    """Follows the log of each pod in a thread. Leaving the block waits for the last lines."""

    def __init__(self, cluster: Cluster, run: str, emit: Emit) -> None:
        self.cluster = cluster
        self.run = run
        self.emit = emit
        self.seen: dict[str, str] = {}
        self.threads: dict[str, threading.Thread] = {}
        self.writing = threading.Lock()
        self.problems: list[BaseException] = []
        self.over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for thread in self.threads.values():
            thread.join(ENDING)
        with self.writing:
            self.over = True

    def update(self, pods: Sequence[Object], *, several: bool) -> None:
        """Follow each pod that has begun. Raises the error of a thread that could not write."""
        if self.problems:
            raise self.problems[0]
        for pod in pods:
            name = pod["metadata"]["name"]
            thread = self.threads.get(name)
            is_lost = thread is not None and not thread.is_alive() and state.is_running(pod)
            if state.has_begun(pod) and (thread is None or is_lost):
                self.threads[name] = threading.Thread(target=self.follow, args=(pod, several), daemon=True)
                self.threads[name].start()

    def finish(self, pods: Sequence[Object], *, several: bool) -> None:
        """Show the rest of each log. A pod that is gone has none. Raises the error of a thread."""
        for thread in self.threads.values():
            thread.join(ENDING)
        for pod in pods:
            if state.has_begun(pod):
                self.copy(pod, several, follow=False)
        if self.problems:
            raise self.problems[0]

    def follow(self, pod: Object, several: bool) -> None:
        self.copy(pod, several, follow=True)

    def copy(self, pod: Object, several: bool, *, follow: bool) -> None:
        """Show the new lines of a pod's log, until its end or until the connection breaks."""
        name = str(pod["metadata"]["name"])
        prefix = f"[{short(name, self.run)}] ".encode() if several else b""
        try:
            for stamp, data in new_lines(self.cluster, pod, self.seen.get(name, ""), follow=follow):
                with self.writing:
                    if self.over:
                        return
                    self.emit((prefix if stamp else b"") + data)
                    self.seen[name] = stamp or self.seen[name]
        except ClusterError as error:
            if not follow and error.status != MISSING:
                print(f"{self.run}: the end of a log is missing: {error.message}", file=sys.stderr)
        except (BuilderError, OSError) as error:
            self.problems.append(error)


def short(pod: str, run: str) -> str:
    """The name of a pod without the name of its run, e.g. `worker-0`."""
    return pod.removeprefix(f"{run}-")


def new_lines(cluster: Cluster, pod: Object, seen: str, *, follow: bool) -> Iterator[tuple[str, bytes]]:
    """The lines after the time `seen`, each with its time. The later parts of a very long line have none."""
    answer = cluster.log(pod["metadata"]["name"], state.container_of(pod), follow=follow, seconds=age(seen))
    with contextlib.closing(answer):
        skipping = False
        for is_whole, line in lines(pieces(answer)):
            stamp, _, data = line.partition(b" ") if is_whole else (b"", b"", line)
            when = stamp.decode("ascii", "replace").rstrip("Z")
            skipping = when <= seen if is_whole else skipping
            if not skipping:
                yield when, data


def pieces(answer: "BaseHTTPResponse") -> Iterator[bytes]:
    """The parts of an answer until its end, or until the connection breaks."""
    from urllib3.exceptions import HTTPError

    with contextlib.suppress(HTTPError):
        yield from answer.stream(CHUNK)


def age(seen: str) -> int | None:
    """How many seconds ago that was, plus SKEW; None when nothing was seen yet."""
    if not seen:
        return None
    moment = dt.datetime.fromisoformat(seen[:26] if "+" not in seen else seen).replace(tzinfo=dt.UTC)
    return max(int((dt.datetime.now(dt.UTC) - moment).total_seconds()), 0) + SKEW


def lines(parts: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Lines with their line ends. A very long line comes in parts; the flag marks the first part of a line."""
    rest, begins = b"", True
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield begins, line + b"\n"
            begins = True
        if len(rest) > LONGEST:
            yield begins, rest
            rest, begins = b"", False
    if rest:
        yield begins, rest


def whole(cluster: Cluster, run: str, pods: Sequence[Object], *, several: bool) -> bytes:
    """Everything that the pods have printed, pod after pod. Raises ClusterError."""
    found = bytearray()
    followers = Followers(cluster, run, found.extend)
    followers.finish(pods, several=several)
    return bytes(found)
