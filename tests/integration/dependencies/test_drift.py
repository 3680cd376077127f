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

from tests.support.project import Project, make_project, small_matrix


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


def project_on(index: str, offered: Path, directory: Path) -> Project:
    """A project whose rows want `alpha`, and find everything else its stack pins on the same index."""
    site = {"default-platform": "debian12", "base": "bootstrap", "pip": {"index-url": index, "find-links": []}}
    (file := directory / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
    project = make_project(directory / "project", site=file, framework="toy", repository="toy")
    matrix = small_matrix("toy", pins={"alpha": "1.0"})
    (project.root / "matrix.yaml").write_text(matrix, "utf-8")
    content = yaml.safe_load(matrix)
    pins: Mapping[str, object] = next(iter(content["stacks"].values()))["pins"]
    for name, pin in pins.items():
        if content["probes"][name] == "python-distribution":
            offer(offered, name, pin["use"] if isinstance(pin, dict) else str(pin))
    return project


def test_a_quiet_world_one_that_moves_and_one_that_lost_a_file(tmp_path: Path) -> None:
    index = tmp_path / "index"
    offer(index, "alpha", "1.0", "beta")
    old = offer(index, "beta", "1.0")
    with served(index) as url:
        project = project_on(url, index, tmp_path)
        assert (done := project.run("lock", f"--site={project.site}")).code == 0, done.err
        quiet = project.run("drift", f"--site={project.site}")
        assert (quiet.code, quiet.out) == (0, ""), quiet.err
        offer(index, "beta", "1.1")
        newer = project.run("drift", f"--site={project.site}", "--format=json")
        assert newer.code == 3, newer.err
        assert '"kind": "package moved"' in newer.out
        assert "vanished" not in newer.out
        jobs = project.run("drift", f"--site={project.site}", "--format=github")
        assert (jobs.code, jobs.out) == (3, f'matrix={{"include":[{{"image":"{project.cell}"}}]}}\n'), jobs.err
        old.unlink()
        gone = project.run("drift", f"--site={project.site}", f"--issue={tmp_path / 'issue.md'}")
        assert gone.code == 3
        assert "beta-1.0-py3-none-any.whl" in gone.out
        assert "## Package vanished" in (tmp_path / "issue.md").read_text("utf-8")
