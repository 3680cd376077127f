"""Compiles the Python files of wheels on the Python of an image, in a container without a network."""

import contextlib
import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from zipfile import ZipFile

from builder.errors import CancelledError, EngineError, InputError
from builder.host import engine
from builder.host.cache import SHAPE
from builder.host.limits import WHEEL_BYTES
from builder.verify.container import confined, own_name, remove
from builder.verify.printed import HINT
from builder.wheels import PROGRAM
from builder.wheels.interpreter import ENVIRONMENT, PYTHON, Interpreter
from builder.wheels.tree import Tree, entry_of
from builder.wheels.unpack import placed

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

RUN = f"""
import os, sys, tarfile
with tarfile.open("/sources.tar") as tar:
    tar.extractall("/compile")
os.makedirs("/compile/code")
# Without what a site-packages has Python do when it starts. So each start is like the other.
words = [sys.executable, "-s", "-S", "/compile/byte_code.py", "{ENVIRONMENT}"]
for number in sorted(os.listdir("/compile/sources")) if os.path.isdir("/compile/sources") else ():
    if os.spawnv(os.P_WAIT, sys.executable, words + ["/compile/sources/" + number, "/compile/code/" + number]):
        sys.exit(1)
with tarfile.open("/code.tar", "w") as tar:
    tar.add("/compile/code", "")
"""
"""Unpacks the sources, has the program compile them in a process of its own, and packs what that gives."""
SECONDS = 1800.0
"""A hundred distributions take one core half a minute."""
SAID = "64k"
"""How much the engine keeps of what the image's Python prints."""
LOOK_AGAIN_SECONDS = 0.05
Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteCode:
    """The byte code of sources: where that of each lies in a file. It may be read by several threads."""

    file: Path
    places: Mapping[str, tuple[int, int]]
    """The offset and the size, by the path that the byte code has in the image."""
    interpreter: Interpreter

    def of(self, source: str) -> bytes | None:
        """The byte code of the source at a path of the image, or None."""
        found = self.places.get(self.interpreter.byte_code(source))
        if found is None:
            return None
        with self.file.open("rb") as stream:
            return os.pread(stream.fileno(), found[1], found[0])


def byte_code(
    client: "docker.DockerClient",
    digest: str,
    found: Interpreter,
    layers: Sequence[Sequence[tuple[str, Path]]],
    scratch: Path,
    stopped: Stopped,
) -> list[ByteCode]:
    """What the Python of an image makes of the sources in the wheels of each layer, each a name and a file.

    Raises InputError for an answer that is none, EngineError, and CancelledError when `stopped` says so.
    """
    sources, answer = scratch / "sources.tar", scratch / "byte-code.tar"
    write_sources(sources, found, layers)
    with container(client, digest) as made, engine.translated():
        made.put_archive("/", sources.read_bytes())
        made.start()
        wait(made, digest, stopped)
        fetch(made, answer)
    try:
        places = places_in(answer, len(layers))
    except (*SHAPE, tarfile.TarError, OSError) as error:
        raise InputError(f"{digest}: its Python gives no byte code: {error!a:.200}", hint=HINT) from None
    return [ByteCode(file=answer, places=one, interpreter=found) for one in places]


def write_sources(file: Path, found: Interpreter, layers: Sequence[Sequence[tuple[str, Path]]]) -> None:
    """Writes a tar with another, which holds the program, and the sources of each layer below its number.

    One file is copied in a fraction of the time that thousands take. No layer may decide the bytes of another, where
    both declare a namespace.
    """
    inner = file.with_name("inner.tar")
    tree = Tree(tars=(), interpreter=found)
    with tarfile.open(inner, "w") as tar:
        add(tar, "/byte_code.py", io.BytesIO(PROGRAM.read_bytes()), PROGRAM.stat().st_size)
        for number, wheels in enumerate(layers):
            known = set[str]()
            for path, stream, size in (one for name, wheel in wheels for one in sources_of(wheel, name, tree)):
                if path not in known:
                    known.add(path)
                    add(tar, f"/sources/{number}{path}", stream, size)
    with tarfile.open(file, "w") as tar, inner.open("rb") as content:
        add(tar, "/sources.tar", content, inner.stat().st_size)
    inner.unlink()


def places_in(answer: Path, count: int) -> list[dict[str, tuple[int, int]]]:
    """The offset and size of each file in the tar that is in a tar, by its path in the image, for each layer.

    Raises TarError, or an error of the shape, for what our program did not write.
    """
    with tarfile.open(answer) as outer:
        held = outer.getmember("code.tar")
        with tarfile.open(fileobj=outer.extractfile(held)) as inner:
            files = [one for one in inner if one.isreg()]
    found: list[dict[str, tuple[int, int]]] = [{} for _ in range(count)]
    for one in files:
        number, _, path = one.name.partition("/")
        found[int(number)][f"/{path}"] = held.offset_data + one.offset_data, one.size
    return found


def sources_of(wheel: Path, name: str, tree: Tree) -> Iterator[tuple[str, IO[bytes], int]]:
    """The path in the image, the content and the size of each Python file of a wheel."""
    wanted = [(file, path) for file, path in placed(wheel, name, tree) if is_source(path)]
    with ZipFile(wheel) as archive:
        for file, path in wanted:
            with archive.open(file) as stream:
                yield path, stream, archive.getinfo(file).file_size


def is_source(path: str) -> bool:
    return path.endswith(".py") and path.startswith(f"{ENVIRONMENT}/lib/") and "/../" not in path


def add(tar: tarfile.TarFile, path: str, stream: IO[bytes], size: int) -> None:
    entry = entry_of(path)
    entry.size, entry.mode = size, 0o644
    tar.addfile(entry, stream)


@contextlib.contextmanager
def container(client: "docker.DockerClient", digest: str) -> Iterator["Container"]:
    """A container of the image that compiles what is copied into it, confined, and removed in every case."""
    from docker.types import LogConfig

    name = own_name()
    try:
        with engine.translated():
            made = client.containers.create(
                digest,
                name=name,
                entrypoint=[PYTHON, "-s", "-S", "-c", RUN],
                command=[],
                user="root",
                working_dir="/",
                environment={"PYTHONHASHSEED": "0"},
                tmpfs={"/compile": ""},
                log_config=LogConfig(type="json-file", config={"max-size": SAID}),
                **confined(),
            )
        yield made
    finally:
        with contextlib.suppress(Exception):  # `clean` finds what stays
            remove(client, name)


def wait(made: "Container", digest: str, stopped: Stopped) -> None:
    """Returns when the program has ended well; raises EngineError and CancelledError."""
    ends = time.monotonic() + SECONDS
    while made.status in ("created", "running"):
        if stopped():
            raise CancelledError("interrupted while sources were compiled")
        if time.monotonic() > ends:
            raise EngineError(f"{digest}: its Python compiled for more than {SECONDS:.0f} s", hint=engine.DOCTOR)
        time.sleep(LOOK_AGAIN_SECONDS)
        made.reload()
    if code := made.attrs["State"]["ExitCode"]:
        said = made.logs(tail=5).decode("utf-8", "replace").strip()
        hint = "python -m builder doctor, for memory and disk; then the same command"
        raise EngineError(f"{digest}: its Python ended with exit code {code} while it compiled: {said}", hint=hint)


def fetch(made: "Container", target: Path) -> None:
    """Copies the byte code out of the container, as a tar; raises EngineError for too much."""
    pieces, _ = made.get_archive("/code.tar", chunk_size=1 << 20)
    total = 0
    with target.open("wb") as file:
        for piece in pieces:
            total += len(piece)
            if total > WHEEL_BYTES:
                raise EngineError(f"{made.name}: it gives more than {WHEEL_BYTES:,} bytes of byte code", hint=HINT)
            file.write(piece)
