"""Real registries for one test or session: each a process with storage of its own, which both end with the block."""

import base64
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from builder.registry import blobs
from builder.registry import manifests as client
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from builder.registry.session import Connection
from tests.support.polling import until

USER, PASSWORD = "somebody", "canary-5c1e0f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running registry."""

    host: str
    storage: Path
    log: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        return self.log.read_text("utf-8")

    def uploads(self) -> list[Path]:
        """The bytes that unfinished uploads left; of one that was cancelled, this registry keeps an empty directory."""
        return sorted(self.storage.glob("**/_uploads/*/data"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def registry(
    directory: Path,
    *,
    login: bool = False,
    read_only: bool = False,
    address: str = "127.0.0.1",
    tls: Mapping[str, object] | None = None,
    options: Mapping[str, object] | None = None,
) -> Iterator[Server]:
    """A registry on a free port of this machine; with a login, that takes nothing, or with a certificate.

    Another address than that of the loopback is for an engine with a network of its own.
    """
    program = shutil.which("docker-registry") or "/usr/bin/docker-registry"
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    storage: dict[str, object] = {
        "filesystem": {"rootdirectory": str(directory / "storage")},
        "delete": {"enabled": True},
    }
    if read_only:
        storage["maintenance"] = {"readonly": {"enabled": True}}
    config: dict[str, object] = {"version": 0.1, "storage": storage, "http": {"addr": f"{address}:{port}"}}
    if tls:
        config["http"] = {"addr": f"{address}:{port}", "tls": dict(tls)}
    if login:
        (directory / "htpasswd").write_text(f"{USER}:{hashed(PASSWORD)}\n")
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(directory / "htpasswd")}}
    (directory / "config.yml").write_text(yaml.safe_dump({**config, **(options or {})}))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(directory / "config.yml")], stdout=log, stderr=log, start_new_session=True
        )
        try:
            name = "localhost" if address == "127.0.0.1" else address
            server = Server(
                host=f"{name}:{port}", storage=directory / "storage", log=directory / "log", process=process
            )
            until_it_answers(server)
            yield server
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(directory, ignore_errors=True)


def until_it_answers(server: Server) -> None:
    def answers() -> bool:
        assert server.process.poll() is None, server.said()
        try:
            urllib.request.urlopen(f"http://{server.host}/v2/", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    until(answers, 20, server.said)


def hashed(password: str) -> str:
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def docker_config(directory: Path, host: str, password: str = PASSWORD) -> Path:
    """A directory for $DOCKER_CONFIG that holds the login of the registry."""
    directory.mkdir(parents=True, exist_ok=True)
    proof = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (directory / "config.json").write_text(json.dumps({"auths": {host: {"auth": proof}}}))
    return directory


def published(host: str, repository: str) -> dict[str, str | None]:
    """Each tag of a repository and its digest."""
    with connected(host) as connection:
        return {tag: client.digest(connection, repository, tag) for tag in client.tags(connection, repository)}


def stored(connection: Connection, repository: str, content: bytes) -> dict[str, object]:
    digest = client.digest_of(content)
    blobs.put(connection, repository, digest, content)
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": digest, "size": len(content)}


def image(connection: Connection, repository: str, *layers: bytes, subject: str = "") -> bytes:
    """The manifest of an image whose blobs are there."""
    config = stored(connection, repository, b'{"config": {"Labels": {}}}')
    body: dict[str, object] = {"schemaVersion": 2, "mediaType": OCI_MANIFEST}
    body["config"] = {**config, "mediaType": "application/vnd.oci.image.config.v1+json"}
    body["layers"] = [stored(connection, repository, layer) for layer in layers]
    if subject:
        body["artifactType"] = "application/vnd.test"
        body["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
    return json.dumps(body).encode()
