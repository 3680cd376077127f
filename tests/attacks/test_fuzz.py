"""Each reader of what others wrote, on what a generator makes up: a value, or an error of ours."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.advisories import accepted, database
from builder.derive import conda_file, lockfile, requirements_file
from builder.derive.request import Reading
from builder.errors import BuilderError
from builder.host.site import Site
from builder.registry import referrers, tokens
from builder.registry.connection import connected
from builder.registry.descriptors import listed, parts
from builder.registry.manifests import parsed

WORDS = (
    *("schemaVersion", "manifests", "layers", "config", "digest", "size", "mediaType", "platform", "annotations"),
    *("token", "access_token", "expires_in", "schema", "asked", "distributions", "conda", "affected", "package"),
    *("name", "ranges", "events", "introduced", "fixed", "versions", "id", "modified", "severity", "score"),
    *("accepted", "owner", "reason", "until", "dependencies", "channels", "pip", "ecosystem", "PyPI", "ECOSYSTEM"),
    *("sha256:" + "a" * 64, "toy", "1.0", "2026-01-01", "--index-url", "-r", "==", "@", ";", "#", "\\", "\n"),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
KEYS = st.sampled_from(WORDS) | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=8)
LINES = st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=12).map(" ".join)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def registry(read: Callable[[dict[str, Any]], object]) -> Callable[[bytes], object]:
    return lambda content: read(parsed(content, "a"))


def grant(content: bytes) -> object:
    with connected("127.0.0.1:9") as connection:
        return tokens.grant_of(connection, content)


READERS: dict[str, Callable[[bytes], object]] = {
    "manifest": registry(lambda found: parts(found, "a")),
    "index": registry(lambda found: listed(found, "manifests", "a")),
    "referrers": lambda content: referrers.listed(content, "a"),
    "token": grant,
}


@FUZZ
@given(OBJECTS.map(lambda found: json.dumps(found).encode()) | st.binary(max_size=40))
@pytest.mark.parametrize("name", READERS)
def test_an_answer_of_a_registry(name: str, content: bytes) -> None:
    with suppress(BuilderError):
        READERS[name](content)


def lock(file: Path) -> object:
    return lockfile.read(file, "asked")


def requirements(file: Path) -> None:
    requirements_file.read_file(file, file.parent, Site, Reading())


def environment(file: Path) -> None:
    conda_file.read_file(file, (), Reading())


def advisories(file: Path) -> object:
    return database.load(file.parent, {"toy"})


def answers(file: Path) -> object:
    return accepted.load(file.parent)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("requirements.lock.json", lock),
        ("requirements.txt", requirements),
        ("environment.yml", environment),
        ("record.json", advisories),
        ("record.yaml", advisories),
        ("accepted.yaml", answers),
    ],
)
@FUZZ
@given(OBJECTS.map(json.dumps) | LINES)
def test_a_file_that_somebody_wrote(name: str, read: Callable[[Path], object], tmp_path: Path, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8", errors="surrogatepass")
    with suppress(BuilderError):
        read(tmp_path / name)


@FUZZ
@given(found=OBJECTS)
def test_an_advisory_with_parts_of_one(found: dict[str, Any], tmp_path: Path) -> None:
    about = {"package": {"name": "toy", "ecosystem": "PyPI"}, **found}
    whole = {"id": "X", "modified": "2026-01-01", **found, "affected": [about]}
    (tmp_path / "a.json").write_text(json.dumps(whole), "utf-8", errors="surrogatepass")
    database.load(tmp_path, {"toy"})
