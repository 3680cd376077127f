"""image-info.json: what is written is what the schema in the package says, and is read back the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.build.recorded import Recorded
from builder.catalogue.engine_images import is_readable, layers_of, places
from builder.catalogue.image_info import Image, ImageLocation, Info, LastVerification, Layer, dump, info_of
from builder.catalogue.image_info_file import load, mistakes, schema
from builder.errors import InputError
from builder.matrix.load import load as load_matrix
from tests.support.records import RECORD

ROOT = Path(__file__).parents[3]
CELLS = load_matrix(ROOT / "matrix.yaml").cells
DIGEST = f"sha256:{'a' * 64}"
IMAGE = Image(
    digest=DIGEST,
    fingerprint="0123abcd" * 8,
    base=f"sha256:{'b' * 64}",
    architecture="amd64",
    is_current=True,
    compressed=100,
    unpacked=300,
    layers=(Layer(digest=DIGEST, made_by="the base", compressed=100, unpacked=300),),
    places=(ImageLocation(repository="registry.example/ml/pytorch", is_registry=True, tags=("1.6-gpu",)),),
    verification=LastVerification(when="2026-11-23T12:00:00+00:00", summary="1 pin, 1 asserted", checks="c" * 64),
    sbom=None,
    inputs=None,
)


def info(**changes: Any) -> Info:
    found = info_of(CELLS[0], IMAGE)
    return replace(found, **changes)


def test_the_whole_matrix_is_valid_and_read_back_the_same(tmp_path: Path) -> None:
    known = (None, Recorded(record=RECORD, note=""), Recorded(record=RECORD, note="by earlier checks"))
    infos = tuple(info_of(spec, IMAGE if n % 2 else None, known[n % 3]) for n, spec in enumerate(CELLS))
    text = dump(infos)
    assert not list(mistakes(json.loads(text)))
    file = tmp_path / "image-info.json"
    file.write_text(text, "utf-8")
    assert load(file) == infos
    assert dump(load(file)) == text


@settings(deadline=None, max_examples=30)
@given(st.text(), st.text(max_size=20))
def test_a_hostile_text_is_refused_or_kept(tmp_path_factory: pytest.TempPathFactory, text: str, word: str) -> None:
    """A digest, a tag or a repository with anything else in it is never let through; prose may be anything."""
    file = tmp_path_factory.mktemp("info") / "image-info.json"
    prose = info(title=text[:2000].encode("utf-8", "replace").decode())
    file.write_text(dump([prose]), "utf-8")
    assert load(file) == (prose,)
    odd = replace(IMAGE, digest=DIGEST + word.encode("utf-8", "replace").decode())
    file.write_text(dump([info(image=odd)]), "utf-8")
    if word:
        with pytest.raises(InputError):
            load(file)


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("image", "digest"), "sha256:aa\n", "images[0].image.digest: "),
        (
            ("image", "places", 0, "repository"),
            "registry.example/x; rm -rf /",
            "images[0].image.places[0].repository: ",
        ),
        (("image", "places", 0, "tags", 0), "-x", "images[0].image"),
        (("device",), "tpu", "images[0].device"),
        (("name",), "../../etc/passwd", "images[0].name"),
        (("image", "secret"), "x", "images[0].image"),
    ],
)
def test_each_mistake_says_where(tmp_path: Path, where: tuple[str | int, ...], value: object, said: str) -> None:
    content = json.loads(dump([info()]))
    place: Any = content["images"][0]
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    file = tmp_path / "image-info.json"
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError) as caught:
        load(file)
    assert said in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "[]", "null", '{"schema": 3}', '{"schema": "2"}', "[" * 100_000])
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "image-info.json"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load(file)
    assert "image-info" in str(caught.value.hint)


def test_the_schema_names_its_version() -> None:
    found = schema()
    assert found["properties"]["schema"]["const"] == 2
    assert found["$id"].endswith(":2")


def test_layers_of_a_base_without_history_are_not_named_by_the_next_step() -> None:
    """BuildKit makes up one step at the end for each that the base does not tell of: sizes count from the base."""
    history = [
        {"CreatedBy": "[image 5/5] WORKDIR /home/trainer", "Size": 3},
        {"CreatedBy": 'CMD ["bash"]', "Size": 0},
        {"CreatedBy": "COPY /layer/ / # buildkit", "Size": 20},
        {"CreatedBy": "RUN apt-get install", "Size": 100},
    ]
    found = layers_of(["sha256:1", "sha256:2", "sha256:3"], history)
    assert [(one.made_by, one.unpacked) for one in found] == [
        ("the base", 100),
        ("RUN apt-get install", 20),
        ("COPY /layer/ / # buildkit", 3),
    ]
    assert [one.unpacked for one in layers_of(["sha256:1"], history)] == [None]


def test_references_by_repository() -> None:
    found = places(["b:2", "a:5000/x:1", "b:1"], is_registry=False)
    assert [(one.repository, one.tags) for one in found] == [("a:5000/x", ("1",)), ("b", ("1", "2"))]


@pytest.mark.parametrize("labels", [{}, {"framework-images.fingerprint": "0"}, {"framework-images.fingerprint": None}])
def test_an_image_with_odd_labels_is_none_of_ours(labels: dict[str, str]) -> None:
    assert not is_readable({"Labels": {"framework-images.fingerprint": "", **labels}})


def test_a_rehearsal_is_no_image_of_its_cell() -> None:
    labels = {"framework-images.fingerprint": "0" * 64, "org.opencontainers.image.base.digest": f"sha256:{'b' * 64}"}
    assert is_readable({"Labels": labels})
    assert not is_readable({"Labels": {**labels, "framework-images.rehearsal": "not the real thing"}})
