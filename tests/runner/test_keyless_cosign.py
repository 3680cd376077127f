"""The stand-in for a cosign without a key refuses what the real one would."""

import pytest

from tests.runner.keyless_cosign import DeniedError, by_key, judged

WHO, ISSUER = "--certificate-identity=us", "--certificate-oidc-issuer=issuer"
HERE = {"STAND_IN_IDENTITY": "us", "STAND_IN_ISSUER": "issuer", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example"}


@pytest.mark.parametrize(
    "words",
    [
        ("sign-blob", "--yes", "--bundle=b", "file"),
        ("attest-blob", "--yes", "--bundle=b", "--statement=s"),
        ("verify", WHO, ISSUER, "image"),
        ("verify-attestation", "--type=t", WHO, ISSUER, "image"),
    ],
)
def test_what_the_program_asks_is_taken(words: tuple[str, ...]) -> None:
    judged(words, HERE)


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (("sign-blob", "--bundle=b", "file"), ""),
        (("sign-blob", "--yes", "--key=k", "file"), ""),
        (("sign-blob", "--yes", "file"), "ACTIONS_ID_TOKEN_REQUEST_URL"),
        (("verify", ISSUER, "image"), ""),
        (("verify", "--certificate-identity=them", ISSUER, "image"), ""),
        (("verify", WHO, "--certificate-oidc-issuer=other", "image"), ""),
        (("verify", "--key=k", WHO, ISSUER, "image"), ""),
        (("generate-key-pair",), ""),
    ],
)
def test_what_is_not_keyless_is_denied(words: tuple[str, ...], without: str) -> None:
    with pytest.raises(DeniedError):
        judged(words, {name: value for name, value in HERE.items() if name != without})


def test_the_key_takes_the_place_of_the_identity() -> None:
    from pathlib import Path

    words = by_key(("verify", WHO, ISSUER, "image"), Path("keys"))
    assert words == ["verify", "--key=keys/stand-in.pub", "--insecure-ignore-tlog=true", "image"]
