"""What is signed of an image: read by in-toto's own reader, the same each time, and without a secret or a path."""

import base64
import dataclasses
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from builder.build.fingerprint import fingerprint, inputs_of
from builder.dependencies.lockfile import load as load_lock
from builder.dependencies.lockfile import pin
from builder.errors import InputError, SignatureError
from builder.matrix.load import load as load_matrix
from builder.matrix.names import cell
from builder.matrix.promise import promise_of
from builder.matrix.reference import parse
from builder.matrix.spec import ImageSpec
from builder.publish.signing import cosign, keys, revision, statements
from builder.publish.signing.statements import BuildOrigin, Invocation, Revision
from builder.verify.report import Result, Verification
from tests.support.promises import HOST

ROOT = Path(__file__).parents[3]
DIGEST = "sha256:" + "cd" * 32
BASE = "sha256:" + "12" * 32
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SPECS = load_matrix(ROOT / "matrix.yaml").cells
LOCK = load_lock(ROOT / "builder.lock")


def origin(spec: ImageSpec, **changes: Any) -> BuildOrigin:
    inputs = inputs_of(
        files={"Dockerfile": "FROM scratch"},
        row="",
        pins={},
        platform=f"{spec.platform.name}/amd64",
        base=changes.get("base", BASE),
        toolchain=changes.pop("toolchain", changes.pop("base", BASE)),
        stages=changes.pop("stages", {}),
    )
    made = BuildOrigin(
        spec=spec,
        promise=promise_of(spec),
        inputs=inputs,
        fingerprint=fingerprint(inputs),
        distributions=pin(spec, LOCK).distributions,
        lock_sha256="ef" * 32,
        revision=Revision(commit=COMMIT, is_dirty=False, url="https://forge.example/team/images"),
    )
    return dataclasses.replace(made, **changes)


def dependencies(made_from: BuildOrigin) -> dict[str, dict[str, Any]]:
    found = statements.provenance(made_from)["buildDefinition"]["resolvedDependencies"]
    return {one["name"]: one for one in found}


@pytest.mark.parametrize("spec", SPECS, ids=cell)
def test_in_toto_reads_the_provenance_of_every_row(spec: ImageSpec) -> None:
    made = statements.provenance(origin(spec))
    json_format.ParseDict(made, provenance_pb2.Provenance())
    whole = statements.statement("localhost:5000/x", DIGEST, statements.PROVENANCE, made)
    Statement.copy_from_pb(json_format.ParseDict(whole, statement_pb2.Statement())).validate()
    assert all("uri" in one or "digest" in one for one in made["buildDefinition"]["resolvedDependencies"])


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://forge.example/team/images.git", "https://forge.example/team/images"),
        ("ssh://forge.example:2222/team/images", "https://forge.example/team/images"),
        ("", ""),
    ],
)
def test_the_build_type_is_a_page_of_this_project(url: str, page: str) -> None:
    found = statements.build_type(Revision(commit=COMMIT, is_dirty=False, url=url))
    assert statements.is_build_type(found)
    assert found == (f"{page}/blob/HEAD/{statements.BUILD_TYPE_PAGE}" if page else statements.BUILD_TYPE)
    assert (ROOT / statements.BUILD_TYPE_PAGE).is_file()
    assert not statements.is_build_type("https://forge.example/other")


def test_the_build_is_told_where_it_was_recorded() -> None:
    made = origin(SPECS[0])
    assert "metadata" not in statements.provenance(made)["runDetails"]
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    finished = started + timedelta(minutes=1)
    told = dataclasses.replace(
        made,
        invocation=Invocation(id=revision.run_id({}, DIGEST, finished), started=started, finished=finished),
    )
    found = statements.provenance(told)["runDetails"]["metadata"]
    assert found["invocationId"].startswith("urn:uuid:")
    assert (found["startedOn"], found["finishedOn"]) == ("2026-01-02T03:04:05Z", "2026-01-02T03:05:05Z")
    json_format.ParseDict(statements.provenance(told), provenance_pb2.Provenance())
    ci = {"GITHUB_SERVER_URL": "https://f.example", "GITHUB_REPOSITORY": "t/i", "GITHUB_RUN_ID": "7"}
    assert revision.run_id(ci, DIGEST, finished) == "https://f.example/t/i/actions/runs/7/attempts/1"


def test_the_same_facts_give_the_same_bytes() -> None:
    assert statements.text(statements.provenance(origin(SPECS[0]))) == statements.text(
        statements.provenance(origin(SPECS[0]))
    )


def test_a_pulled_base_has_its_address_and_a_bootstrapped_one_none() -> None:
    spec = SPECS[0]
    pulled = dependencies(origin(spec, base=spec.platform.base_digest))["base"]
    assert pulled["uri"].endswith(spec.platform.base_digest)
    made = dependencies(origin(spec))["base"]
    assert "uri" not in made
    assert made["digest"] == {"sha256": "12" * 32}


def test_an_earlier_base_that_compiled_is_named() -> None:
    assert "toolchain-base" not in dependencies(origin(SPECS[0]))
    assert dependencies(origin(SPECS[0], toolchain=DIGEST))["toolchain-base"]["digest"] == {"sha256": "cd" * 32}


def test_a_source_that_the_site_replaced_was_not_used() -> None:
    spec = next(spec for spec in SPECS if any(one.name.startswith("python-") for one in spec.sources))
    name = next(one.name for one in spec.sources if one.name.startswith("python-"))
    assert name in dependencies(origin(spec))
    found = dependencies(origin(spec, stages={"python": "99" * 32}))
    assert name not in found
    assert found["stage:python"]["digest"] == {"sha256": "99" * 32}


def test_another_distribution_is_another_closure() -> None:
    made = origin(SPECS[0])
    fewer = dependencies(dataclasses.replace(made, distributions=made.distributions[1:]))["builder.lock"]
    whole = dependencies(made)["builder.lock"]
    assert whole["annotations"]["distributions"] == len(made.distributions)
    assert fewer["annotations"]["closure-sha256"] != whole["annotations"]["closure-sha256"]


def test_the_verification_says_what_was_not_checked() -> None:
    results = (
        Result(name="pins: torch", outcome="passed", message="", seconds=1.0),
        Result(name="gpu", outcome="not-checked", message="no GPU here", seconds=0.0),
    )
    when, measured = "2026-01-02T03:04:05+00:00", {"torch": "1.6.0"}
    passed = Verification(checks="aa", when=when, host=HOST, measured=measured, results=results)
    made = statements.verification(passed, digest=DIGEST, promise=promise_of(SPECS[0]))
    assert made["passed"] == ["pins: torch"]
    assert made["notChecked"] == [{"name": "gpu", "reason": "no GPU here"}]
    assert made["digest"] == DIGEST
    whole = statements.statement("x", DIGEST, statements.VERIFICATION, made)
    Statement.copy_from_pb(json_format.ParseDict(whole, statement_pb2.Statement())).validate()


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://user:s3cret@forge.example/team/images.git", "https://forge.example/team/images.git"),
        ("git@forge.example:team/images.git", "ssh://forge.example/team/images.git"),
        ("ssh://git@forge.example:2222/team/images", "ssh://forge.example:2222/team/images"),
        ("/home/somebody/images", ""),
        ("file:///home/somebody/images", ""),
        ("C:/images", ""),
        ("https://[", ""),
        ("https://forge.example:port/x", ""),
        ("", ""),
    ],
)
def test_the_address_of_the_source_holds_no_login_and_no_path_of_the_host(remote: str, told: str) -> None:
    assert revision.address(remote) == told


def test_the_revision_is_what_git_says(tmp_path: Path) -> None:
    assert revision.revision(tmp_path, {}) is None
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    file = tmp_path / "file"
    file.write_text("one")
    for words in (("init", "-q"), ("add", "file"), (*identity, "commit", "-qm", "one")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    found = revision.revision(tmp_path, {})
    assert found is not None
    assert not found.is_dirty
    assert found.url == ""
    file.write_text("two")
    ci = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "team/images"}
    changed = revision.revision(tmp_path, ci)
    assert changed == Revision(commit=found.commit, is_dirty=True, url="https://forge.example/team/images")


def test_the_builder_is_the_workflow_or_nobody_in_particular() -> None:
    workflow = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_WORKFLOW_REF": "team/images/.github/x.yml@refs/y"}
    assert revision.builder_id(workflow) == "https://forge.example/team/images/.github/x.yml@refs/y"
    assert revision.builder_id({}) == statements.LOCAL_BUILDER


def test_a_statement_about_another_digest_does_not_count() -> None:
    said = statements.statement("x", DIGEST, statements.VERIFICATION, {"a": 1})
    line = json.dumps({"payload": base64.b64encode(json.dumps(said).encode()).decode()})
    assert list(cosign.predicates(line, statements.VERIFICATION, DIGEST)) == [{"a": 1}]
    assert not list(cosign.predicates(line, statements.VERIFICATION, BASE))
    assert not list(cosign.predicates(line, statements.PROVENANCE, DIGEST))
    for damaged in ("{}", "[]", '{"payload": "!"}', json.dumps({"payload": base64.b64encode(b"[]").decode()})):
        with pytest.raises(SignatureError, match="cannot be read"):
            list(cosign.predicates(damaged, statements.VERIFICATION, DIGEST))


@pytest.mark.parametrize("key", ["no-such.key", "env://NO_SUCH_VARIABLE"])
def test_a_key_that_is_not_there_is_refused_before_anything_is_made(key: str) -> None:
    with pytest.raises(InputError, match=r"no such file|is not set"):
        keys.check_private(key)


def test_a_key_without_its_password_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "cosign.key"
    key.write_text("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    monkeypatch.delenv(keys.PASSWORD, raising=False)
    with pytest.raises(InputError, match="COSIGN_PASSWORD"):
        keys.check_private(str(key))


def test_cosign_gets_no_tag() -> None:
    with pytest.raises(InputError, match="by digest only"):
        cosign.by_digest(parse("localhost:5000/x:1"))
    assert cosign.by_digest(parse(f"localhost:5000/x:1@{DIGEST}")) == f"localhost:5000/x@{DIGEST}"


def test_a_checkout_of_another_user_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests of this
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    with pytest.raises(InputError, match="another user owns it, so git does not say its commit") as caught:
        revision.revision(tmp_path, {})
    assert caught.value.hint == f"git config --global --add safe.directory {tmp_path}"
