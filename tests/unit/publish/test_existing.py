"""One image that cannot be read concerns its own cell: the others keep theirs, and a verb goes on."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.build.fingerprint import inputs_of
from builder.build.plan import Wanted
from builder.catalogue.registry_images import in_registry
from builder.commands.drift import orphaned
from builder.commands.flags.nightly import DriftOptions
from builder.errors import RegistryError, UnavailableError
from builder.host.site import Site
from builder.matrix.load import load
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW, cell
from builder.matrix.promise import promise_of
from builder.matrix.reference import Registry, parse_registry
from builder.matrix.tags import own_tag, tags_of
from builder.publish.existing import at
from builder.publish.verdict import judged
from builder.registry.manifests import OCI_INDEX, OCI_MANIFEST, digest_of
from tests.support.scripted_registry import Answer, scripted

MATRIX = load(Path(__file__).parents[3] / "matrix.yaml")
BROKEN, WHOLE = [one for one in MATRIX.cells if one.framework == "pytorch"][:2]
MARK, BASE = "a" * 64, f"sha256:{'b' * 64}"
INPUTS = inputs_of(files={}, row="", pins={}, platform="debian12/amd64", base=BASE, toolchain=BASE, stages={})
LABELS = {LABEL_ROW: promise_of(WHOLE).to_label(), LABEL_FINGERPRINT: MARK, LABEL_INPUTS: "{}"}
CONFIG = json.dumps({"config": {"Labels": {**LABELS, "org.opencontainers.image.base.digest": BASE}}}).encode()
GOOD = json.dumps({"config": {"digest": digest_of(CONFIG), "size": len(CONFIG)}, "layers": []}).encode()
OTHER_PLATFORM = {"digest": BASE, "size": 7, "platform": {"os": "linux", "architecture": "s390x"}}
UNUSABLE = {
    "an index of another platform": (200, {"Content-Type": OCI_INDEX}, json.dumps({"manifests": [OTHER_PLATFORM]})),
    "no image": (200, {"Content-Type": OCI_MANIFEST}, "{}"),
    "no JSON": (200, {"Content-Type": OCI_MANIFEST}, "["),
    "refused": (403, {}, "{}"),
}
Bad = tuple[int, Mapping[str, str], str]


def answer(bad: Bad, path: str) -> Answer:
    """The registry's answer: the tags of one cell name an image that cannot be used, those of the other a good one."""
    status, headers, text = bad
    name = path.rpartition("/")[2]
    if "/tags/list" in path:
        return 200, {}, json.dumps({"tags": [own_tag(BROKEN), own_tag(WHOLE)]}).encode()
    if name == digest_of(CONFIG):
        return 200, {}, CONFIG
    if name in (own_tag(WHOLE), digest_of(GOOD), *tags_of(WHOLE, "x", MARK).all):
        return 200, {"Content-Type": OCI_MANIFEST}, GOOD
    if name in (own_tag(BROKEN), digest_of(text.encode()), *tags_of(BROKEN, "x", MARK).all):
        return status, headers, text.encode()
    return (200 if name == "" else 404), {}, b""


def wanted() -> list[Wanted]:
    return [
        Wanted(
            name=cell(one),
            fingerprint=MARK,
            inputs=INPUTS,
            checks="",
            tags=tags_of(one, "pytorch", MARK),
            platform=one.platform.name,
        )
        for one in (BROKEN, WHOLE)
    ]


@pytest.mark.parametrize("bad", UNUSABLE.values(), ids=UNUSABLE)
def test_a_plan_loses_the_image_of_that_cell_alone(bad: Bad) -> None:
    said: list[str] = []
    with scripted(lambda _method, path, _headers: answer(bad, path)) as host:
        found = at(parse_registry(host), wanted(), Site(), said.append)
    assert [(one.cell, one.fingerprint) for one in found] == [(cell(WHOLE), MARK)]
    assert len(said) == 1
    assert f"has no image of {cell(BROKEN)}" in said[0]


def test_a_registry_that_wants_a_login_is_said_once() -> None:
    said: list[str] = []
    with scripted(lambda *_: (401, {}, b"")) as host:
        assert at(parse_registry(host), wanted(), Site(), said.append) == []
    assert len(said) == 1
    assert f"nothing of {host}" in said[0]


@pytest.mark.parametrize("bad", UNUSABLE.values(), ids=UNUSABLE)
def test_a_catalogue_loses_the_image_of_that_cell_alone(bad: Bad) -> None:
    said: list[str] = []
    with scripted(lambda _method, path, _headers: answer(bad, path)) as host:
        found = in_registry(parse_registry(host), (BROKEN, WHOLE), name=None, site=Site(), say=said.append)
    assert [*found] == [cell(WHOLE)]
    assert len(said) == 1
    assert said[0].startswith(f"{cell(BROKEN)}: ")


def refused() -> str:
    raise RegistryError("h/a: an index with no image for linux/amd64", hint="name one by its digest")


def down() -> str:
    raise UnavailableError("h: no answer")


def test_a_tag_that_cannot_be_read_is_a_verdict() -> None:
    assert not judged("label", refused).passed
    with pytest.raises(UnavailableError):
        judged("label", down)


@pytest.mark.parametrize("status", [401, 403, 410])
def test_a_registry_that_does_not_say_its_tags_is_a_drift(status: int) -> None:
    with scripted(lambda *_: (status, {}, b"")) as host:
        options = DriftOptions(registries=(host,))
        found = list(orphaned(options, MATRIX, Site()))
    assert [(one.kind, one.subject) for one in found] == [("source unreachable", str(Registry(host=host)))]
