"""Credentials and the CA bundle of a site reach a build, and stay nowhere: a canary in each is looked for everywhere."""

import base64
import http.server
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from builder.host.site_discovery import load_site
from tests.support.build_network import gateway
from tests.support.polling import until
from tests.support.project import NewProject

# A stage with the site's pip settings downloads a package.
LAYERS = """{%% block layers %%}
{{ super() }}
FROM installer AS canary
ENV NONCE=%s
{{ steps.pip_mounts() }}
    --mount=type=bind,source=requirements/framework.txt,target=/run/requirements.txt \\
    grep -q canary /etc/pip.conf && grep -q canary /etc/ssl/certs/ca-certificates.crt \\
    && /opt/env/bin/pip download -vv --no-cache-dir --no-deps --dest /downloaded -r /run/requirements.txt
{%% endblock %%}
"""
EXTRA = "\n{% import 'steps.j2' as steps %}\n"


@dataclass(slots=True, kw_only=True)
class EmptyIndex:
    """An index without packages that a build can reach; it waits for `before_answer`, so that who asks can be seen."""

    host: str
    shown: list[str] = field(default_factory=list)
    """The credentials that it was shown."""
    before_answer: Callable[[], None] = lambda: None


@pytest.fixture
def index(engine: docker.DockerClient) -> Iterator[EmptyIndex]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.shown.append(self.headers.get("Authorization", ""))
            found.before_answer()
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer((gateway(engine), 0), Handler) as server:
        found = EmptyIndex(host=f"{gateway(engine)}:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@dataclass(slots=True, kw_only=True)
class Watch:
    """The command lines on this machine that held some words, and how often all of them were read."""

    found: list[str] = field(default_factory=list)
    rounds: int = 0

    def whole_round(self) -> None:
        """Wait until every command line of this moment was read."""
        wanted = self.rounds + 2
        until(lambda: self.rounds >= wanted, 30, "a look at every process")

    def look(self, words: bytes) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (process / "cmdline").read_bytes()
                if words in line:
                    self.found.append(line.decode())
        self.rounds += 1


@contextmanager
def watched(words: str) -> Iterator[Watch]:
    """A look at all command lines, again and again while the block runs."""
    watch, over = Watch(), threading.Event()

    def go_on_looking() -> None:
        while not over.wait(0.02):
            watch.look(words.encode())

    thread = threading.Thread(target=go_on_looking)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def test_a_canary_is_nowhere(
    engine: docker.DockerClient, new_project: NewProject, index: EmptyIndex, tmp_path: Path
) -> None:
    token = secrets.token_hex(8)
    canary, authority = f"canary-{token}", f"# canary-{token}-authority"
    project = new_project()
    site = load_site(project.site)
    bundle = tmp_path / "ca.pem"
    bundle.write_text((site.ca_bundle.read_text() if site.ca_bundle else "") + f"\n{authority}\n")
    settings = yaml.safe_load(project.site.read_text())
    settings |= {"pip": {"extra-index-urls": [f"http://user:{canary}@{index.host}/simple"]}, "ca-bundle": str(bundle)}
    file = project.root / "secret-site.yaml"
    file.write_text(yaml.safe_dump(settings))
    template = project.root / "templates" / f"{project.framework}.j2"
    project.template("COPY --from=canary /downloaded/ /opt/downloaded/")
    text = template.read_text().replace("{% block finish %}", EXTRA + LAYERS % token + "{% block finish %}")
    template.write_text(text)
    assert project.run("lock", f"--site={file}").code == 0
    project.render()

    with watched(canary) as watch:
        index.before_answer = watch.whole_round
        locked = project.run("lock", f"--site={file}")
        done = project.build(f"--site={file}", "--format=json", "--verbose")
    assert (locked.code, done.code) == (0, 0), done.err
    credentials = base64.b64encode(f"user:{canary}".encode()).decode()
    assert f"Basic {credentials}" in index.shown, "the index was asked, with the credentials"

    digest = done.images[0]["digest"]
    assert watch.found == []
    for words in (canary, authority, credentials):
        assert words not in done.out + done.err + locked.out + locked.err
        assert [str(log) for log in project.logs.rglob("*") if log.is_file() and words in log.read_text()] == []
        history = ["docker", "history", "--no-trunc", "--format={{.CreatedBy}} {{.Comment}}", digest]
        described = subprocess.run(history, capture_output=True, text=True, check=True).stdout
        assert words not in f"{described}{engine.images.get(digest).attrs}"
    assert files_with((canary, authority), engine, digest) == []
    assert list(project.scratch.iterdir()) == []


def files_with(words: tuple[str, ...], engine: docker.DockerClient, digest: str) -> list[str]:
    """Which of the words are anywhere in the image's file system."""
    wanted = [word.encode() for word in words]
    container = engine.containers.create(digest)
    found: set[str] = set()
    kept: Any = b""
    try:
        for chunk in container.export():
            kept = kept[-200:] + chunk
            found |= {word.decode() for word in wanted if word in kept}
    finally:
        container.remove(force=True)
    return sorted(found)


def test_a_download_mirror_with_credentials_is_refused(new_project: NewProject) -> None:
    """It would be a build argument, which the image's history shows."""
    project = new_project()
    file = project.root / "other-site.yaml"
    file.write_text("downloads: {'https://example.com/': 'https://user:hunter2@example.org/'}\n")
    done = project.build(f"--site={file}")
    assert done.code == 2
    assert "other-site.yaml:1:" in done.err
    assert "hunter2" not in done.err


def test_no_secret_outlives_an_interrupted_run(new_project: NewProject) -> None:
    """Files with a site's secrets are this user's alone while they exist."""
    project = new_project()
    project.slow()
    with project.started(*project.flags("--version=1")) as live:
        live.until("RUN echo begun")
        modes = {path.stat().st_mode & 0o077 for path in project.scratch.iterdir()}
        assert modes == {0}
        live.process.terminate()
        assert live.end(30) == 130
    assert list(project.scratch.iterdir()) == []
