"""Whose signatures count: what flags and site say of it, and every way in which they say it wrongly."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from builder.commands import parser
from builder.commands.common.trust import known_trust, trust
from builder.commands.flags.attest import AttestOptions, PublishedOptions, TrustOptions
from builder.errors import InputError
from builder.host.site import Site, load
from builder.publish.signing import keys

ISSUER = "https://token.actions.githubusercontent.com"
WHO = f"--certificate-oidc-issuer={ISSUER}"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public key."""
    file = tmp_path_factory.mktemp("key") / "some.pub"
    secret = subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1"], check=True, capture_output=True)
    made = subprocess.run(["openssl", "ec", "-pubout"], input=secret.stdout, check=True, capture_output=True)
    file.write_bytes(made.stdout)
    return file


def asked(*words: str, site: Path | None = None) -> TrustOptions:
    flags = [f"--site={site}"] if site else []
    found = parser.options(["audit", "h.example/x:1", *words, *flags])
    assert isinstance(found, AttestOptions)
    return found


def site_with(directory: Path, text: str) -> Path:
    file = directory / "site.yaml"
    file.write_text(text, "utf-8")
    return file


def test_the_flags_come_before_the_site(pem: Path, tmp_path: Path) -> None:
    site = site_with(tmp_path, f"trust: {{key: {pem}}}\n")
    assert trust(asked(site=site)).key == str(pem)
    keyless = trust(asked("--certificate-identity=me", WHO, site=site))
    assert (keyless.key, keyless.identity, keyless.issuer) == (None, "me", ISSUER)
    assert trust(asked(f"--key={pem}")).key == str(pem)
    named = site_with(tmp_path, f"trust: {{identity: you, issuer: '{ISSUER}'}}\n")
    assert trust(asked(site=named)).identity == "you"


def test_nobody_is_named(tmp_path: Path) -> None:
    site = site_with(tmp_path, "{}\n")
    assert known_trust(asked(site=site), Site()) is None
    with pytest.raises(InputError, match="whose signature counts"):
        trust(asked(site=site))


@pytest.mark.parametrize(
    "words",
    [
        ("--certificate-identity=me",),
        (WHO,),
        ("--key=k", "--certificate-identity=me", WHO),
        ("--key=k", "--certificate-identity=me"),
        ("--key=",),
        ("--key=no-such.pub",),
        ("--key=env://NO_SUCH_VARIABLE",),
        (f"--key={__file__}",),
        ("--key=/dev",),
    ],
    ids=" ".join,
)
def test_flags_that_name_nobody_are_wrong_input(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as raised:
        known_trust(asked(*words), Site())
    assert raised.value.hint


def test_a_key_in_a_variable_is_named_like_its_file(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", pem.read_text("utf-8"))
    assert keys.name_of("env://SOME_KEY") == keys.name_of(str(pem))
    keys.check_public("awskms://alias/x")
    with pytest.raises(InputError, match="no private key"):
        keys.check_private(str(pem))


@pytest.mark.parametrize(
    "text",
    [
        "trust: cosign.pub",
        "trust: {}",
        "trust: {key: no-such.pub}",
        "trust: {key: [a]}",
        "trust: {identity: me}",
        "trust: {issuer: 'https://x.example'}",
        "trust: {identity: me, issuer: x}",
        "trust: {key: 'env://X', identity: me, issuer: 'https://x.example'}",
        "trust: {keys: x}",
    ],
)
def test_a_site_that_names_nobody_is_wrong_input(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"site\.yaml:1:"):
        load(site_with(tmp_path, text), Site())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("30d", timedelta(30)), ("30", timedelta(30)), ("36h", timedelta(hours=36)), ("0d", timedelta(0))],
)
def test_an_age(text: str, wanted: timedelta) -> None:
    found = parser.options(["verify-published", "--registry=h.example", f"--max-age={text}"])
    assert isinstance(found, PublishedOptions)
    assert found.max_age == wanted


@pytest.mark.parametrize("text", ["", "1m", "90m", "d", "-1d", "1.7d", "999999d"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(SystemExit) as raised:
        parser.options(["verify-published", "--registry=h.example", f"--max-age={text}"])
    assert raised.value.code == 2
