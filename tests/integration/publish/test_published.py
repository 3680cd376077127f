"""What a registry alone tells of an image, and registries that are reached in other ways: names, logins, certificates."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.matrix.reference import Reference, parse
from builder.publish.signing import cosign
from builder.publish.signing.cosign import Signer, Trust
from builder.publish.signing.keys import PASSWORD as VARIABLE
from builder.publish.signing.statements import VERIFICATION
from tests.support import registries
from tests.support.certificates import make_certificate
from tests.support.command_line import CommandResult
from tests.support.project import Project
from tests.support.push import push_command
from tests.support.registries import Server, docker_config, published
from tests.support.signing_keys import PASSWORD, make_key, restate

NAME = "registry.example"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    make_key(directory, "mine")
    return directory


def attested(
    project: Project,
    where: str,
    keys: Path,
    *more: str,
    env: Mapping[str, str] | None = None,
    before: tuple[str, ...] = (),
) -> CommandResult:
    """`push --attest` of the image of the first release."""
    flags = ("--attest", f"--sign-key={keys / 'mine.key'}", *more)
    return project.run(*push_command(project, where), *flags, env={VARIABLE: PASSWORD, **(env or {})}, before=before)


def info(project: Project, where: str, *more: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What image-info says of that image."""
    flags = (f"--registry={where}", f"--repository={project.repository}", "--version=1", f"--site={project.site}")
    done = project.run("image-info", *flags, *more, env=env)
    assert done.code == 0, done.err
    return dict(json.loads(done.out)["images"][0]["image"])


def image_of(project: Project, host: str, prefix: str) -> Reference:
    return parse(f"{host}/{prefix}/{project.repository}@{project.tags()['1.0-cpu']}")


def test_image_info_says_what_is_attached(
    project: Project, server: Server, prefix: str, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    where, reference = f"{server.host}/{prefix}", image_of(project, server.host, prefix)
    elsewhere = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = attested(project, where, keys)
    assert done.code == 0, done.err

    (report,) = cosign.attested(reference, VERIFICATION, Trust(key=str(keys / "mine.pub")))
    bill = project.run("sbom", str(reference.digest)).out
    trust = f"--key={keys / 'mine.pub'}"
    found = info(project, where, trust, env=elsewhere)
    assert found["sbom"] == f"sha256:{hashlib.sha256(bill.encode()).hexdigest()}"
    assert found["verified"]["when"] == report["finishedOn"]
    assert found["verified"]["checks"] == report["checks"]["version"]
    assert f"{len(report['passed'])} passed, 0 failed" in found["verified"]["summary"]

    signer = Signer(key=str(keys / "mine.key"))
    for when, told in (("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05+00:00"), ("\x1b[2J", None)):
        restate(reference, {VERIFICATION: {**report, "finishedOn": when}}, signer)
        again = info(project, where, trust, env=elsewhere)
        assert (again["verified"] or {}).get("when") == told
        assert again["sbom"] == found["sbom"]


def as_named(directory: Path) -> tuple[str, ...]:
    """Words before a command for which NAME is this machine; nothing treats that name as one of this machine."""
    hosts = directory / "hosts"
    hosts.write_text(Path("/etc/hosts").read_text("utf-8") + f"127.0.0.1 {NAME}\n")
    shell = f'mount --bind {hosts} /etc/hosts && exec "$@"'
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", shell, "sh")


def judged(
    project: Project, where: str, keys: Path, *more: str, env: Mapping[str, str], before: tuple[str, ...]
) -> CommandResult:
    flags = (f"--registry={where}", f"--repository={project.repository}", "--version=1", f"--key={keys / 'mine.pub'}")
    return project.run("verify-published", *flags, f"--site={project.site}", *more, env=env, before=before)


def site_with(project: Project, file: Path, **settings: object) -> str:
    """The flag for the project's own site with further settings."""
    own = yaml.safe_load(project.site.read_text("utf-8"))
    file.write_text(yaml.safe_dump({**own, **{name.replace("_", "-"): one for name, one in settings.items()}}), "utf-8")
    return f"--site={file}"


def test_a_registry_without_encryption(
    project: Project, server: Server, prefix: str, keys: Path, tmp_path: Path
) -> None:
    """Named by the flag or by the site, for each verb, and for cosign."""
    host = f"{NAME}:{server.host.rpartition(':')[2]}"
    where, repository = f"{host}/{prefix}", f"{prefix}/{project.repository}"
    env, before = {"NO_PROXY": NAME, "no_proxy": NAME}, as_named(tmp_path)
    flag, site = f"--insecure-registry={host}", site_with(project, tmp_path / "site.yaml", insecure_registries=[host])

    refused = attested(project, where, keys, env=env, before=before)
    assert refused.code == 1
    assert published(server.host, repository) == {}
    done = attested(project, where, keys, flag, env=env, before=before)
    assert done.code == 0, done.err
    assert published(server.host, repository).keys() >= project.tags().keys()
    found = judged(project, where, keys, site, env=env, before=before)
    assert found.code == 0, found.out + found.err
    image, key = f"{where}/{project.repository}:1.0-cpu", f"--sign-key={keys / 'mine.key'}"
    again = project.run("attest", image, key, site, env={**env, VARIABLE: PASSWORD}, before=before)
    assert again.code == 0, again.err
    viewed = (
        "--version=1",
        f"--registry={where}",
        f"--repository={project.repository}",
        f"--site={project.site}",
        flag,
    )
    told = project.run("image-info", *viewed, env=env, before=before)
    assert told.code == 0, told.err
    assert "has verified images of 1" in told.err
    trust = f"--key={keys / 'mine.pub'}"
    for argv in (
        ("plan", *viewed),
        ("reference", *viewed),
        ("docs", *viewed, f"--output={tmp_path / 'site'}"),
        ("explain", image, f"--site={project.site}", flag),
        ("audit", image, f"--site={project.site}", flag, trust),
        (
            "promote",
            image,
            f"--registry={where}/new",
            f"--repository={project.repository}",
            f"--site={project.site}",
            flag,
        ),
    ):
        done = project.run(*argv, env=env, before=before)
        assert done.code == 0, (argv, done.out, done.err)
    assert published(server.host, f"{prefix}/new/{project.repository}").keys()


def test_a_login_and_a_certificate_of_its_own(project: Project, keys: Path, tmp_path: Path) -> None:
    """Everything that `push --attest` and `verify-published` do, cosign's part included."""
    before, proxy = as_named(tmp_path), {"NO_PROXY": NAME, "no_proxy": NAME}
    tls, site = make_certificate(tmp_path / "tls", NAME), tmp_path / "site.yaml"
    trusted = site_with(project, site, ca_bundle=str(tmp_path / "tls" / "ca.pem"))
    with registries.registry(tmp_path / "closed", login=True, tls=tls) as closed:
        host = f"{NAME}:{closed.host.rpartition(':')[2]}"
        nobody = {**proxy, "DOCKER_CONFIG": str(tmp_path)}
        somebody = {**proxy, "DOCKER_CONFIG": str(docker_config(tmp_path / "login", host))}
        done = attested(project, host, keys, trusted, env=somebody, before=before)
        assert done.code == 0, done.err
        found = judged(project, host, keys, trusted, env=somebody, before=before)
        assert found.code == 0, found.out + found.err
        refused = judged(project, host, keys, trusted, env=nobody, before=before)
        assert refused.code == 1
        assert f"docker login {host}" in refused.err
        distrusted = judged(project, host, keys, env=somebody, before=before)
        assert distrusted.code == 1
        assert "its certificate is not trusted" in distrusted.err
    for one in (done, found, refused, distrusted):
        assert registries.PASSWORD not in one.out + one.err
