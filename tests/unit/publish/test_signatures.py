"""What cosign is asked to sign where a transparency log is written to, by a stand-in that answers as 2.6 and later."""

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import InputError, SignatureError
from builder.matrix.reference import parse
from builder.publish.signing import cosign, envelopes, signatures
from builder.publish.signing.cosign import Signer

REFERENCE = parse("registry.example/team/toy@sha256:" + "cd" * 32)
SAID = {"urn:a": b'{"predicateType":"urn:a"}', "urn:b": b'{"predicateType":"urn:b"}'}
STAND_IN = """#!{python}
import base64, json, os, sys
words = sys.argv[1:]
print(*words, file=open(os.environ["CALLS"], "a"))
if "--help" in words:
    print(os.environ["FLAGS"])
    raise SystemExit
flags = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
name = flags.get("statement") or words[-1]
content = open(name, "rb").read()
value = json.dumps({"payload": content.decode()}).encode() if "statement" in flags else b"signature"
encoded = lambda text: base64.b64encode(text).decode()
made = {
    "base64Signature": encoded(value) if "statement" in flags else "c2ln",
    "cert": encoded(b"-----BEGIN CERTIFICATE-----"),
    "rekorBundle": {"Payload": {"logIndex": 7}},
}
open(flags["bundle"], "w").write(os.environ.get("BUNDLE") or json.dumps(made))
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the stand-in writes how it was called."""
    program = tmp_path / "bin" / "cosign"
    program.parent.mkdir()
    program.write_text(STAND_IN.replace("{python}", sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("FLAGS", "--statement='' --use-signing-config=true")
    cosign.flags.cache_clear()
    yield tmp_path / "calls"
    cosign.flags.cache_clear()


def test_a_keyless_signer_has_a_certificate_and_a_log_entry_for_each(calls: Path) -> None:
    image, *statements = signatures.signed(REFERENCE, SAID, Signer(key=None), image=True)
    assert image.content == envelopes.image_payload(REFERENCE)
    assert image.annotations[envelopes.SIGNATURE] == "c2ln"
    for layer, (kind, payload) in zip(statements, SAID.items(), strict=True):
        assert layer.annotations[envelopes.PREDICATE_TYPE] == kind
        assert json.loads(layer.content) == {"payload": payload.decode()}
    for layer in (image, *statements):
        assert layer.annotations[envelopes.CERTIFICATE] == "-----BEGIN CERTIFICATE-----"
        assert json.loads(layer.annotations[envelopes.LOG_ENTRY]) == {"Payload": {"logIndex": 7}}
    made = [line for line in calls.read_text().splitlines() if "--help" not in line]
    assert [line.split()[0] for line in made] == ["sign-blob", "attest-blob", "attest-blob"]
    assert all("--use-signing-config=false --new-bundle-format=false" in line for line in made)
    assert not any("--key" in line or "--tlog-upload" in line for line in made)


def test_a_cosign_that_logs_no_statement_is_refused_before_it_signs(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAGS", "--predicate=''")
    with pytest.raises(InputError, match=r"2\.6 or newer"):
        signatures.signed(REFERENCE, SAID, Signer(key="a.key", transparency_log=True), image=True)
    assert all("--help" in line for line in calls.read_text().splitlines())


@pytest.mark.parametrize("bundle", ["{", "[]", "{}", '{"base64Signature": "a", "cert": "!"}'])
@pytest.mark.usefixtures("calls")
def test_a_bundle_of_another_shape(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE", bundle)
    with pytest.raises(SignatureError, match="no bundle"):
        signatures.signed(REFERENCE, SAID, Signer(key=None), image=True)


def test_the_bytes_that_a_signature_covers() -> None:
    assert envelopes.pre_authentication(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
    found = json.loads(envelopes.envelope(b"{}", "c2ln"))
    assert base64.b64decode(found["payload"]) == b"{}"
