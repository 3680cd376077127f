"""Starts the processes of one node inside its container, and ends them all when one fails or time is up.

It is copied beside the run, not into the image. It runs on the image's own Python, from 3.6 on, with nothing but the
standard library.

`launch.py node N` starts the processes of node N. `launch.py node-from NAME` reads N from that variable.
`launch.py rank` becomes one of the processes; mpirun calls it so.
"""

import contextlib
import errno
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, Callable, Dict, List, Mapping, NoReturn, Optional

TIMED_OUT = 124  # as timeout(1) of coreutils says it
OWN_FAILURE = 125  # as docker has it
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # as shells say it
SIGNALLED = 128
CHUNK = 1 << 16
OWN = ("HOME", "HOSTNAME", "OLDPWD", "PWD", "SHLVL", "_")  # these differ from container to container
PASSED = ("OMPI_", "PMIX_", "PRTE_")  # mpirun reads and passes its own settings
HOSTFILE = "OMPI_MCA_orte_default_hostfile"  # the MPI operator of Kubeflow sets it
FIRST_HOST = "LAUNCH_FIRST_HOST"
MPI_RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")


class SignalledError(Exception):
    """A signal asked the launcher to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: List[str]) -> int:
    plan = json.loads(Path(__file__).with_name("launch.json").read_text("utf-8"))
    if arguments[0] == "rank":
        become(plan)
    if arguments[0] == "node-from":
        return node(plan, node_from(arguments[1], len(plan["ranks"]) // plan["processes_per_node"]))
    return node(plan, int(arguments[1]))


def node_from(variable: str, nodes: int) -> int:
    """The number of this node, from a variable that the cluster sets."""
    text = os.environ.get(variable, "")
    if not text.isdigit() or int(text) >= nodes:
        give_up(f"{variable} is {text!r}, and should be the number of this node, 0 to {nodes - 1}")
    return int(text)


def become(plan: Mapping[str, Any]) -> NoReturn:
    """Replace this process, which mpirun started, by the script of its rank."""
    rank = next((int(os.environ[name]) for name in MPI_RANKS if name in os.environ), None)
    if rank is None:
        give_up("the mpirun of this image sets none of " + ", ".join(MPI_RANKS))
    first = os.environ.get(FIRST_HOST, "")
    values = {name: value.replace("$" + FIRST_HOST, first) for name, value in plan["ranks"][rank].items()}
    environment = dict(os.environ, **values)
    argv = words(plan, environment)
    try:
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        sys.exit(refused(error, argv[0]))


def words(plan: Mapping[str, Any], environment: Mapping[str, str]) -> List[str]:
    """The command. An argument that is exactly one of the documented variables becomes its value."""
    known = {name: environment.get(name[1:], name) for name in plan["placeholders"]}
    return [known.get(word, word) for word in plan["command"]]


def node(plan: Mapping[str, Any], number: int) -> int:
    """Run the processes of this node. Returns the exit code of the first that failed, 124 when time was up."""
    group = Group(plan)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    try:
        group.start(number)
        return group.wait()
    except SignalledError as stopped:
        return SIGNALLED + stopped.number
    except OSError as error:
        return refused(error, str(error.filename))
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        group.end()


def give_up(why: str) -> NoReturn:
    """End, because the launcher itself cannot go on."""
    say(why)
    sys.exit(OWN_FAILURE)


def refused(error: OSError, program: str) -> int:
    """Say why a program could not be started. Returns the exit code that shells have for it."""
    say(f"{program}: {error.strerror}")
    return NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE


def stop(number: int, _frame: object) -> NoReturn:
    raise SignalledError(number)


class Group:
    """The processes of a node. Each leads a process group of its own."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.plan = plan
        self.children = {}  # type: Dict[int, subprocess.Popen[bytes]]
        self.readers = []  # type: List[threading.Thread]
        self.ended = queue.Queue()  # type: queue.Queue[Any]
        self.writing = threading.Lock()
        seconds = plan["seconds"]
        self.limit = None if seconds is None else time.monotonic() + seconds

    def start(self, number: int) -> None:
        """Start the processes themselves. Under MPI, start mpirun or the SSH server that it reaches."""
        count = self.plan["processes_per_node"]
        if self.plan["starts"]:
            self.launch(number * count, under_mpi(self.plan["starts"][number]), dict(os.environ), prefixed=False)
            return
        for rank in range(number * count, (number + 1) * count):
            environment = dict(os.environ, **self.plan["ranks"][rank])
            if count > 1:
                # Else each process starts as many threads as there are cores. torchrun sets it too.
                environment.setdefault("OMP_NUM_THREADS", "1")
            self.launch(rank, words(self.plan, environment), environment, prefixed=self.plan["prefixed"])

    def launch(self, rank: int, argv: List[str], environment: Dict[str, str], *, prefixed: bool) -> None:
        """Start a process. With `prefixed`, each line of its output begins with its rank."""
        pipe = subprocess.PIPE if prefixed else None
        child = subprocess.Popen(argv, env=environment, stdout=pipe, stderr=pipe, start_new_session=True)
        self.children[rank] = child
        for source, target in ((child.stdout, sys.stdout), (child.stderr, sys.stderr)):
            if source:
                self.readers.append(background(self.copy, source, target.buffer, f"[{rank}] ".encode()))
        background(self.report, rank, child)

    def report(self, rank: int, child: "subprocess.Popen[bytes]") -> None:
        self.ended.put((rank, child.wait()))

    def copy(self, source: IO[bytes], target: IO[bytes], prefix: bytes) -> None:
        """Copy whole lines, each after its prefix. A line longer than CHUNK becomes several."""
        for line in iter(lambda: source.readline(CHUNK), b""):
            with self.writing:
                target.write(prefix + line + (b"" if line.endswith(b"\n") else b"\n"))
                target.flush()

    def wait(self) -> int:
        """Wait until all have ended well, or one has failed, or time is up. Returns the exit code."""
        for _ in range(len(self.children)):
            try:
                rank, code = self.ended.get(timeout=self.left())
            except queue.Empty:
                say(f"the limit of {self.plan['seconds']} s is reached: SIGTERM, {self.plan['grace']} s later SIGKILL")
                return TIMED_OUT
            if code:
                if len(self.children) > 1:
                    say(f"rank {rank} {how(code)}: the others are stopped")
                return int(code) if code > 0 else SIGNALLED - int(code)
        return 0

    def left(self) -> Optional[float]:
        """The seconds until the limit; None without one."""
        return None if self.limit is None else max(0.0, self.limit - time.monotonic())

    def end(self) -> None:
        """End all processes: SIGTERM, and SIGKILL after the grace."""
        for number, seconds in ((signal.SIGTERM, self.plan["grace"]), (signal.SIGKILL, 5)):
            for child in self.children.values():
                # To the whole group, because the children of a process may outlive it.
                with contextlib.suppress(OSError):
                    os.killpg(child.pid, number)
            limit = time.monotonic() + seconds
            while any(child.poll() is None for child in self.children.values()) and time.monotonic() < limit:
                time.sleep(0.02)
        for reader in self.readers:
            reader.join(1)


def under_mpi(argv: List[str]) -> List[str]:
    """The command under MPI: mpirun passes the variables of this container to every rank.

    An SSH server that runs as root gets the directory that it needs.
    """
    if argv[0] == "mpirun":
        if HOSTFILE in os.environ:
            # Each line is a host and its slots: `host slots=2`, or `host:2`.
            os.environ[FIRST_HOST] = re.split(r"[\s:]", Path(os.environ[HOSTFILE]).read_text("utf-8").lstrip())[0]
        exported = [name for name in sorted(os.environ) if name not in OWN and not name.startswith(PASSED)]
        return argv[:1] + [word for name in exported for word in ("-x", name)] + argv[1:]
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    return argv


def background(function: Callable[..., None], *arguments: object) -> threading.Thread:
    """Run a function in a thread. The program does not wait for it."""
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def how(code: int) -> str:
    """How a process ended, in words, e.g. `was killed by SIGKILL`."""
    return f"ended with exit code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"


def say(text: str) -> None:
    sys.stderr.write(f"launcher: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
