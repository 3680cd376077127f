"""Names of images in registries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.matrix.reference import Reference, Registry, parse, parse_registry

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "version"),
    [
        ("ubuntu", "docker.io", "library/ubuntu", "latest"),
        ("ubuntu:16.04", "docker.io", "library/ubuntu", "16.04"),
        ("team/image", "docker.io", "team/image", "latest"),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", "latest"),
        ("index.docker.io/team/image", "docker.io", "team/image", "latest"),
        ("localhost/image", "localhost", "image", "latest"),
        ("localhost:5000/team/image:1.6-gpu", "localhost:5000", "team/image", "1.6-gpu"),
        ("[::1]:5000/image", "[::1]:5000", "image", "latest"),
        (f"ghcr.io/a/b/c@{DIGEST}", "ghcr.io", "a/b/c", DIGEST),
        (f"ghcr.io/a/b:1.0@{DIGEST}", "ghcr.io", "a/b", DIGEST),
    ],
)
def test_what_people_write(text: str, host: str, repository: str, version: str) -> None:
    found = parse(text)
    assert (found.host, found.repository, found.version) == (host, repository, version)
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UPPER/case",
        "a b",
        "image:",
        "image@sha256:abc",
        f"image@{DIGEST}0",
        "image@",
        "https://ghcr.io/a/b",
        "ghcr.io/../b",
        "ghcr.io//b",
        "ghcr.io/a/",
        "ghcr.io/a:b:c",
        "ghcr.io/a:-tag",
        "ghcr.io/a\nb",
        "ghcr.io/" + "a" * 300,
        "user:password@ghcr.io/a",
        "-host.io/a",
    ],
)
def test_what_is_no_image(text: str) -> None:
    with pytest.raises(InputError, match="is no image"):
        parse(text)


def test_registries() -> None:
    assert parse_registry("localhost:5000/team") == Registry(host="localhost:5000", prefix="team")
    assert (
        str(parse_registry("ghcr.io/owner/sub").reference("pytorch", "1.6-gpu")) == "ghcr.io/owner/sub/pytorch:1.6-gpu"
    )
    assert (
        str(parse_registry("localhost:5000").reference("pytorch", digest=DIGEST)) == f"localhost:5000/pytorch@{DIGEST}"
    )
    assert parse_registry("docker.io/team").reference("pytorch").name == "docker.io/team/pytorch"


@pytest.mark.parametrize(
    "text", ["", "team", "https://ghcr.io", "ghcr.io/", "ghcr.io/UPPER", "a b.io", "ghcr.io/a:tag", "u:p@h.io"]
)
def test_what_is_no_registry(text: str) -> None:
    if text != "ghcr.io/":
        with pytest.raises(InputError, match="is no registry"):
            parse_registry(text)


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_a_mistake(text: str) -> None:
    try:
        found = parse(text)
    except InputError:
        return
    assert isinstance(found, Reference)
    assert parse(str(found)) == found
    assert not set("\n \t@") & set(found.name)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InputError) as error:
        parse_registry("https://me:canary@ghcr.io")
    assert "canary" not in str(error.value)
