"""Nights: the first, one with nothing new, one on which the base moved, and one on which a package vanished."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from builder.dependencies import package_index
from builder.host.site_discovery import load_site
from tests.support.base_cache import move_base, own_cache
from tests.support.command_line import CommandResult
from tests.support.project import NewProject, Project
from tests.support.registries import Server, published

GONE = "six"


@contextmanager
def poorer_index(site_file: Path) -> Iterator[str]:
    """The site's own index, without the files of one project."""
    site = load_site(site_file)
    (original, *_) = package_index.urls(site)

    class Poorer(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            project = self.path.strip("/").split("/")[-1]
            files = () if project == GONE else package_index.files(project, original, site)
            links = "".join(f'<a href="{one.url}#sha256={one.sha256}">{one.name}</a>' for one in files).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(links)))
            self.end_headers()
            self.wfile.write(links)

    with ThreadingHTTPServer(("127.0.0.1", 0), Poorer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def night(project: Project, registry: str, env: dict[str, str], site: Path | None = None) -> CommandResult:
    flags = (f"--registry={registry}", f"--site={site or project.site}", f"--repository={project.repository}")
    return project.run("nightly", *flags, "--log-dir=logs", f"--output={project.root / 'night'}", env=env)


def test_four_nights(new_project: NewProject, server: Server, prefix: str) -> None:
    project = new_project()
    cache, env = own_cache(project)
    registry = f"{server.host}/{prefix}"

    first = night(project, registry, env)
    assert first.code == 0, first.err
    before = published(server.host, f"{prefix}/{project.repository}")
    assert {"1.0-cpu", "latest-cpu"} <= before.keys()
    assert (project.root / "night" / "catalogue" / "index.html").exists()

    quiet = night(project, registry, env)
    assert quiet.code == 0, quiet.err
    assert "nothing to do" in quiet.err
    assert published(server.host, f"{prefix}/{project.repository}") == before

    move_base(cache, project.root)
    moved = night(project, registry, env)
    assert moved.code == 0, moved.err
    assert "a rebase" in moved.err
    after = published(server.host, f"{prefix}/{project.repository}")
    assert after["1.0-cpu"] != before["1.0-cpu"]
    assert before.items() - after.items() <= {(tag, before[tag]) for tag in before if "py3" not in tag}
    (info,) = json.loads((project.root / "night" / "image-info.json").read_text("utf-8"))["images"]
    assert str(after["1.0-cpu"]) in json.dumps(info)

    settings = yaml.safe_load(project.site.read_text("utf-8"))
    with poorer_index(project.site) as url:
        poor = project.root / "poor.yaml"
        poor.write_text(yaml.safe_dump({**settings, "pip": {"index-url": url, "find-links": []}}), "utf-8")
        gone = night(project, registry, env, poor)
    assert gone.code == 0, gone.err
    assert "nothing to do" in gone.err
    report = (project.root / "night" / "drift.md").read_text("utf-8")
    assert "## Package vanished" in report
    assert f"| `{GONE}` |" in report
    assert published(server.host, f"{prefix}/{project.repository}") == after
