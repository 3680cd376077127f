"""`lock` with an index that hangs, is slow, breaks off or vanishes: an error soon, and builder.lock as it was."""

import io
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.dependencies import collect_metadata, package_index, resolve
from builder.errors import BuilderError
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from builder.matrix.spec import Distribution
from tests.support.package_index import Index, serving
from tests.support.project import small_matrix

ROOT = Path(__file__).parents[3]
LOCK = '{"schema": 1, "closures": {}, "requirements": {}}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.pypi.simple.v1+json\r\nContent-Length: 100000\r\n\r\n{"
Answer = Callable[[socket.socket], None]


def silence(_: socket.socket) -> None:
    """Nothing, for as long as the other side likes."""


def drops(connection: socket.socket) -> None:
    """A byte now and then, for ever."""
    connection.sendall(HEAD)
    while not threading.Event().wait(0.1):
        connection.sendall(b" ")


def a_part(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    connection.shutdown(socket.SHUT_RDWR)


def nonsense(connection: socket.socket) -> None:
    connection.sendall(b"no HTTP at all\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """The address of an index that answers so, with a password."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def one(connection: socket.socket) -> None:
            with suppress(OSError):
                connection.recv(65536)
                answer(connection)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    held.append(server.accept()[0])
                    threading.Thread(target=one, args=(held[-1],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://user:hidden@127.0.0.1:{server.getsockname()[1]}/simple"
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.mark.parametrize("answer", [silence, drops, a_part, nonsense])
def test_lock_ends_soon_and_names_the_index(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setattr(resolve, "TIMEOUT_SECONDS", 2.0)
    (tmp_path / "matrix.yaml").write_text(small_matrix("toy"))
    (tmp_path / "builder.lock").write_text(LOCK)
    site = tmp_path / "site.yaml"
    with answering(answer) as url:
        site.write_text(f"pip: {{index-url: '{url}', extra-index-urls: [], find-links: []}}\n")
        began = time.monotonic()
        code = main(["lock", f"--matrix={tmp_path}/matrix.yaml", f"--site={site}"])
        assert time.monotonic() - began < 10
    said = capsys.readouterr().err
    assert code == 1
    assert f"{url.partition('@')[2]}" in said
    assert "hidden" not in said
    assert "try: python -m builder doctor; builder.lock is as it was" in said
    assert (tmp_path / "builder.lock").read_text() == LOCK
    assert {path.name for path in tmp_path.iterdir()} == {"matrix.yaml", "builder.lock", "site.yaml"}


@pytest.mark.parametrize("answer", [silence, drops, a_part, nonsense])
def test_what_reads_requirements_ends_soon_too(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index that answered the resolver does not answer any more: no further question waits for it."""
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "1")
    monkeypatch.setattr(package_index, "PAUSES", ())
    monkeypatch.setattr(package_index, "PATIENCE", 1)
    wanted = {
        f"toy{number}==1.0": Distribution(name=f"toy{number}", version="1.0", file="x.whl", sha256="0" * 64)
        for number in range(40)
    }
    began = time.monotonic()
    with answering(answer) as url, pytest.raises(BuilderError) as caught:
        collect_metadata.read_all(wanted, Site(pip_index_url=url))
    assert time.monotonic() - began < 5
    assert f"{url.partition('@')[2]}/toy" in caught.value.message
    assert "hidden" not in caught.value.message
    assert caught.value.hint


def test_an_index_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "PAUSES", (0.0,))
    with answering(silence) as url:
        pass
    with pytest.raises(BuilderError, match=r"http://\*\*\*@127.0.0.1:\d+/simple/toy/: .*refused"):
        package_index.files("toy", url, Site(pip_index_url=url))


@pytest.mark.parametrize("file", ["toy-1.0-py3-none-any.whl", "toy-1.0.tar.gz"])
def test_what_is_no_archive_is_an_error(file: str) -> None:
    spec = load_matrix(ROOT / "matrix.yaml").cells[0]
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    for content in (b"no archive", b"PK\x03\x04" + b"x" * 99, b"\x1f\x8b" + b"x" * 99, empty.getvalue()):
        with serving(Index(files={file: content})) as there, pytest.raises(BuilderError, match=file.partition("-")[0]):
            collect_metadata.read_all({"toy==1.0": spec}, Site(pip_index_url=f"{there.url}/simple"))
