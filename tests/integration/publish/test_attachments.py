"""Signed statements in registries: with the referrers API and without, read by cosign and by clients of OCI 1.1."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from builder.errors import RegistryError
from builder.matrix.reference import Reference, parse
from builder.publish.signing import cosign, keys
from builder.publish.signing.attachments import attach
from builder.publish.signing.attest import attest, payloads
from builder.publish.signing.cosign import Signer, Trust
from builder.publish.signing.statements import CYCLONEDX, PROVENANCE, VERIFICATION
from builder.publish.transfer import Place, Sent, follow
from builder.registry import blobs, manifests, referrers
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from builder.registry.session import Connection
from tests.support.referrers_registry import referrers_registry
from tests.support.registries import image, registry
from tests.support.signing_keys import PASSWORD, make_key, restate

SAID: dict[str, dict[str, object]] = {
    CYCLONEDX: {"components": []},
    PROVENANCE: {"buildDefinition": {}},
    VERIFICATION: {"b": "ü"},
}
TYPES = {
    "application/vnd.dev.cosign.artifact.sig.v1+json",
    "application/vnd.in-toto+dsse",
    "application/vnd.in-toto.cyclonedx+dsse",
    "application/vnd.in-toto.provenance+dsse",
}


@contextmanager
def host_of(kind: str, directory: Path) -> Iterator[str]:
    if kind == "api":
        with referrers_registry() as (host, _):
            yield host
    else:
        with registry(directory) as server:
            yield server.host


@pytest.fixture(params=["api", "fallback tag"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """A registry of each kind."""
    with host_of(request.param, tmp_path / "registry") as host, connected(host) as found:
        yield found


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where two keys are, which open."""
    monkeypatch.setenv(keys.PASSWORD, PASSWORD)
    for name in ("mine", "other"):
        make_key(tmp_path, name)
    return tmp_path


def pushed(connection: Connection) -> Reference:
    content = image(connection, "team/toy", b"layer")
    digest = manifests.put(connection, "team/toy", "1.0", content, OCI_MANIFEST).digest
    return parse(f"{connection.host}/team/toy@{digest}")


def listed(connection: Connection, reference: Reference) -> list[str]:
    found = referrers.referrers(connection, "team/toy", str(reference.digest))
    return sorted(one.artifact_type for one in found)


def test_what_is_attached_is_found_by_everybody(connection: Connection, directory: Path) -> None:
    reference = pushed(connection)
    restate(reference, SAID, Signer(key=str(directory / "mine.key")))
    assert listed(connection, reference) == sorted(TYPES)
    for one in referrers.referrers(connection, "team/toy", str(reference.digest)):
        found = manifests.manifest(connection, "team/toy", one.digest)
        assert found
        assert found.document["subject"]["digest"] == reference.digest
        assert {each["digest"] for each in found.document["layers"]} <= set(attached(connection, reference))
    key = f"--key={directory / 'mine.pub'}"
    for words in (
        ("verify",),
        ("verify", "--experimental-oci11"),
        *(("verify-attestation", f"--type={kind}") for kind in SAID),
    ):
        done = subprocess.run(
            ["cosign", *words, key, "--insecure-ignore-tlog=true", str(reference)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def attached(connection: Connection, reference: Reference) -> list[str]:
    """The digests of the layers under cosign's tags."""
    name = referrers.fallback_tag(str(reference.digest))
    found = [manifests.manifest(connection, "team/toy", f"{name}.{ending}") for ending in ("sig", "att")]
    return [layer["digest"] for one in found if one for layer in one.document["layers"]]


def test_what_is_signed_is_what_was_printed(connection: Connection, directory: Path) -> None:
    reference = pushed(connection)
    restate(reference, SAID, Signer(key=str(directory / "mine.key")))
    printed = payloads(reference, SAID)
    trust = Trust(key=str(directory / "mine.pub"))
    assert {kind: cosign.payloads(reference, kind, trust) for kind in SAID} == {
        kind: [payload] for kind, payload in printed.items()
    }
    layer = attached(connection, reference)[-1]
    envelope = json.loads(blobs.small(connection, "team/toy", layer))
    assert base64.b64decode(envelope["payload"]) == printed[VERIFICATION]
    for payload in printed.values():
        Statement.copy_from_pb(json_format.Parse(payload, statement_pb2.Statement())).validate()


def test_a_statement_replaces_and_a_signature_stands_beside(connection: Connection, directory: Path) -> None:
    reference = pushed(connection)
    signer = Signer(key=str(directory / "mine.key"))
    restate(reference, SAID, signer)
    before = {one.digest for one in referrers.referrers(connection, "team/toy", str(reference.digest))}
    restate(reference, {VERIFICATION: {"b": 3}}, signer)
    after = {one.digest for one in referrers.referrers(connection, "team/toy", str(reference.digest))}
    assert len(before & after) == 3, "only the report is another"
    assert listed(connection, reference) == sorted(TYPES)
    restate(reference, {VERIFICATION: {"b": 3}}, Signer(key=str(directory / "other.key")))
    assert len(listed(connection, reference)) == 5
    assert len(attached(connection, reference)) == 5


def test_others_that_refer_to_the_image_stay(connection: Connection, directory: Path) -> None:
    reference = pushed(connection)
    theirs = image(connection, "team/toy", b"theirs", subject=str(reference.digest))
    referrers.attach(connection, "team/toy", theirs)
    for number in (1, 2):
        restate(reference, {VERIFICATION: {"b": number}}, Signer(key=str(directory / "mine.key")))
    assert listed(connection, reference).count("application/vnd.test") == 1


def test_a_copy_drops_what_was_replaced(connection: Connection, directory: Path) -> None:
    reference = pushed(connection)
    source, target = (Place(connection=connection, repository=name) for name in ("team/toy", "team/public"))
    digest = str(reference.digest)
    found = manifests.manifest(connection, "team/toy", digest)
    assert found
    for layer in [found.document["config"], *found.document["layers"]]:
        blobs.put(connection, "team/public", layer["digest"], blobs.small(connection, "team/toy", layer["digest"]))
    manifests.put(connection, "team/public", digest, found.content, OCI_MANIFEST)
    for number in (1, 2):
        restate(reference, {VERIFICATION: {"b": number}}, Signer(key=str(directory / "mine.key")))
        follow(source, target, digest, Sent())
    there = {one.digest for one in referrers.referrers(connection, "team/public", digest)}
    assert there == {one.digest for one in referrers.referrers(connection, "team/toy", digest)}
    assert len(there) == 2


def test_what_is_attached_stands_beside_the_image(
    connection: Connection, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_REPOSITORY", f"{connection.host}/team/elsewhere")
    reference = pushed(connection)
    restate(reference, SAID, Signer(key=str(directory / "mine.key")))
    assert len(attached(connection, reference)) == 4


def test_a_registry_that_takes_no_referrers(directory: Path) -> None:
    said: list[str] = []
    with referrers_registry() as (host, server), connected(host) as connection:
        server.refuses = True
        reference = pushed(connection)
        attest(reference, SAID, Signer(key=str(directory / "mine.key")), said.append)
        assert len(attached(connection, reference)) == 4
    assert "other clients do not list it" in said[0]
    assert "verified as of key sha256:" in said[1]


def test_an_image_that_is_not_there(connection: Connection) -> None:
    missing = parse(f"{connection.host}/team/toy@sha256:{'0' * 64}")
    with pytest.raises(RegistryError, match="no such image"):
        attach(connection, missing, [], print)


STAND_IN = """#!/bin/sh
# As cosign 3.1: without a signing config that has no log, a signature is logged, or refused.
echo "$*" >> "$CALLS"
case "$*" in *--tlog-upload=false*)
    case "$*" in
    *--use-signing-config=false*--new-bundle-format=false*) ;;
    *) echo "Error: --tlog-upload=false is not supported with --signing-config or --use-signing-config." >&2; exit 1;;
    esac
esac
for word; do
    case "$word" in
    --help) echo "    --use-signing-config=true:" ; exit ;;
    --use-signing-config=*|--new-bundle-format=*) ;;
    *) set -- "$@" "$word" ;;
    esac
    shift
done
exec {cosign} "$@"
"""


@pytest.mark.usefixtures("fresh_flags")
def test_cosign_3_signs_too(connection: Connection, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = pushed(connection)
    program = directory / "bin" / "cosign"
    program.parent.mkdir()
    real = subprocess.run(["which", "cosign"], capture_output=True, text=True, check=True).stdout.strip()
    program.write_text(STAND_IN.replace("{cosign}", real))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(directory / "calls"))
    restate(reference, SAID, Signer(key=str(directory / "mine.key")))
    assert listed(connection, reference) == sorted(TYPES)
    calls = (directory / "calls").read_text().splitlines()
    assert [line.split()[0] for line in calls].count("sign-blob") == 2, "its help, and one process that signs all"
    assert len(calls) == 8


@pytest.fixture
def fresh_flags() -> Iterator[None]:
    """What was learnt of another cosign is forgotten, before and after."""
    cosign.flags.cache_clear()
    yield
    cosign.flags.cache_clear()
