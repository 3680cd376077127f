"""The world of a rehearsal: a copy of the matrix on stand-ins, a site that finds them, and the servers that serve them."""

import functools
import http.server
import json
import re
import shutil
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from builder.build.recorded import today_of
from builder.dependencies import lockfile
from builder.matrix.load import load
from builder.matrix.names import LABEL_REHEARSAL, LABEL_REHEARSED, cell, closure
from builder.matrix.spec import CONDA, CondaPackage, ImageSpec
from tests.rehearsal import sources

PLATFORM = "ubuntu16.04"
HOST = "172.17.0.1"
"""This machine, as a step of a build sees it: the address of Docker's own bridge."""
HTTP, HTTPS = 8716, 8717
"""Always the same, as a build argument with another port would run the steps behind it again."""
SAID = "rehearsed with stand-ins for what NVIDIA, conda and Open MPI publish: not the real thing, never to be published"
FILES = {"openmpi": "openmpi.tar.bz2", "miniconda": "miniconda.sh", "python": "python.tar.xz"}
"""What is served in the place of a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIns:
    """What the matrix is changed to: a served directory, the Python, conda's packages, the keys, and the certificate."""

    served: Path
    python: str
    """The version that has the place of conda's 3.6.2."""
    sources: Mapping[str, str]
    """The releases that have the place of `sources.PINNED`."""
    conda: tuple[CondaPackage, ...]
    fingerprints: Mapping[str, str]
    certificate: Path
    """ca.pem, with key.pem beside it."""


def write(repository: Path, found: StandIns, directory: Path) -> Path:
    """The matrix, the lock, the templates and the site of the rehearsal; returns the matrix' file."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copytree(repository / "templates", directory / "templates", dirs_exist_ok=True)
    image = directory / "templates/image.j2"
    image.write_text(
        image.read_text("utf-8").replace("USER 1000", f"LABEL {labels(repository)}\nUSER 1000", 1), "utf-8"
    )
    matrix = directory / "matrix.yaml"
    matrix.write_text(changed((repository / "matrix.yaml").read_text("utf-8"), found), "utf-8")
    lock = lockfile.load(repository / "builder.lock")
    cells = {closure(spec): spec for spec in load(matrix).cells}
    closures = {
        name: replace(one, asked=lockfile.asked(cells[name])) for name, one in lock.closures.items() if name in cells
    }
    lock = replace(lock, closures=closures, conda={f"python=={found.python}": found.conda})
    (directory / "builder.lock").write_text(lockfile.dump(lock), "utf-8")
    (directory / "site.yaml").write_text(site(load(matrix).cells, found), "utf-8")
    return matrix


def labels(repository: Path) -> str:
    """That the image is a rehearsal, and the committed inputs of the real cell, by which `record` knows the cell."""
    today = today_of(repository)
    inputs = {cell(spec): today(spec).inputs for spec in load(repository / "matrix.yaml").cells}
    name = 'spec.framework ~ "/" ~ spec.version ~ "-" ~ spec.device ~ "-" ~ spec.platform.name'
    return f'{LABEL_REHEARSAL}="{SAID}" {LABEL_REHEARSED}={{{{ {json.dumps(inputs)}[{name}] }}}}'


def changed(text: str, found: StandIns) -> str:
    """The matrix with the stand-ins' Python, checksums and fingerprints, and a title that says what it is."""
    text = text.replace("title: PyTorch", "title: Rehearsal of PyTorch")
    text = text.replace('python: "3.6.2"', f"python: {instead('3.6.2', found.python)}")
    for name, pinned in sources.PINNED.items():
        version = found.sources[name]
        if version != pinned:
            text = text.replace(f'{name}: "{pinned}"', f"{name}: {instead(pinned, version)}")
            text = text.replace(f'{name}: {{use: "{pinned}"', f'{name}: {{use: "{version}"')
        digest = sha256((found.served / FILES[name]).read_bytes()).hexdigest()
        entry = rf"{name}-{re.escape(pinned)}(:\n +url: .*\n +sha256: )\w+"
        text = re.sub(entry, rf"{name}-{version}\g<1>{digest}", text)
    for name, fingerprint in found.fingerprints.items():
        text = re.sub(rf"( {name}:\n +url: .*\n +key-url: .*\n +fingerprint: )\w+", rf"\g<1>{fingerprint}", text)
    return text


def instead(documented: str, version: str) -> str:
    """A pin of another version, with the reason."""
    return f'{{use: "{version}", documented: "{documented}", because: "a rehearsal compiles its own"}}'


def site(cells: Iterable[ImageSpec], found: StandIns) -> str:
    """Where the rehearsal gets everything: one repository by https with a certificate of its own, the rest by http."""
    downloads = {CONDA: f"http://{HOST}:{HTTP}/conda"}
    for spec in cells:
        for source in spec.sources:
            downloads[source.url] = f"http://{HOST}:{HTTP}/{FILES[source.name.rsplit('-', 1)[0]]}"
        for one in spec.repositories:
            downloads[one.key_url] = f"http://{HOST}:{HTTP}/{one.name}.asc"
            scheme, port = ("https", HTTPS) if one.name == "nvidia-cuda" else ("http", HTTP)
            downloads[one.url] = f"{scheme}://{HOST}:{port}/{one.name}"
    lines = [
        f"default-platform: {PLATFORM}",
        "base: bootstrap",
        f"ca-bundle: {found.certificate.with_name('bundle.pem')}",
    ]
    return "\n".join([*lines, "downloads:", *(f"  {url}: {instead}" for url, instead in downloads.items()), ""])


@contextmanager
def served(found: StandIns) -> Iterator[None]:
    """The directory by http and by https, for as long as the block lasts."""
    handler = functools.partial(Quiet, directory=str(found.served))
    servers = [http.server.ThreadingHTTPServer((HOST, port), handler) for port in (HTTP, HTTPS)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found.certificate, found.certificate.with_name("key.pem"))
    servers[1].socket = context.wrap_socket(servers[1].socket, server_side=True)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the directory without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""
