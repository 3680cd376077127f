"""Drift is found on an index that moves and on one that lost a file; a quiet world has none."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from tests.support.repository import Lab, make, small_matrix


def wheel(name: str, version: str, requires: str = "") -> bytes:
    content = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(content, "w") as archive:
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return content.getvalue()


def offer(index: Path, name: str, version: str, requires: str = "") -> Path:
    file = index / name / f"{name}-{version}-py3-none-any.whl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(wheel(name, version, requires))
    return file


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The directory as an index: a page lists the files of a project with their hashes."""

    class Index(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def list_directory(self, path: str) -> io.BytesIO:  # type: ignore[override]
            hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in Path(path).glob("*.whl")}
            page = "".join(f'<a href="{name}#sha256={found}">{name}</a>' for name, found in hashes.items()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            return io.BytesIO(page)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=str(directory))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def lab_on(index: str, offered: Path, directory: Path) -> Lab:
    """A lab whose rows want `alpha`, and find everything else its stack pins on the same index."""
    site = {"default-platform": "debian12", "base": "bootstrap", "pip": {"index-url": index, "find-links": []}}
    (file := directory / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
    lab = make(directory / "lab", site=file, framework="toy", repository="toy")
    matrix = small_matrix("toy", pins={"alpha": "1.0"})
    (lab.root / "matrix.yaml").write_text(matrix, "utf-8")
    content = yaml.safe_load(matrix)
    pins: Mapping[str, object] = next(iter(content["stacks"].values()))["pins"]
    for name, pin in pins.items():
        if content["probes"][name] == "python-distribution":
            offer(offered, name, pin["use"] if isinstance(pin, dict) else str(pin))
    return lab


def test_a_quiet_world_one_that_moves_and_one_that_lost_a_file(tmp_path: Path) -> None:
    index = tmp_path / "index"
    offer(index, "alpha", "1.0", "beta")
    old = offer(index, "beta", "1.0")
    with served(index) as url:
        lab = lab_on(url, index, tmp_path)
        assert (done := lab.run("lock", f"--site={lab.site}")).code == 0, done.err
        quiet = lab.run("drift", f"--site={lab.site}")
        assert (quiet.code, quiet.out) == (0, ""), quiet.err
        offer(index, "beta", "1.1")
        newer = lab.run("drift", f"--site={lab.site}", "--format=json")
        assert newer.code == 3, newer.err
        assert '"kind": "package moved"' in newer.out
        assert "vanished" not in newer.out
        old.unlink()
        gone = lab.run("drift", f"--site={lab.site}", f"--issue={tmp_path / 'issue.md'}")
        assert gone.code == 3
        assert "beta-1.0-py3-none-any.whl" in gone.out
        assert "## Package vanished" in (tmp_path / "issue.md").read_text("utf-8")
