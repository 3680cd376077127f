"""Rendering: the committed contexts, the same bytes for the same input, and no value that becomes an instruction."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.build import render as rendering
from builder.dependencies.lockfile import load as load_lock
from builder.dependencies.lockfile import pin_all
from builder.errors import InputError
from builder.matrix.load import load
from builder.matrix.names import cell, context
from builder.matrix.sections import STAGES
from builder.matrix.spec import PinnedImage

ROOT = Path(__file__).parents[3]
JINJA = rendering.environment(ROOT / "templates")
PINNED = pin_all(load(ROOT / "matrix.yaml").cells, load_lock(ROOT / "builder.lock"))
GPU = next(image for image in PINNED if cell(image.spec) == "pytorch/1.6.0-gpu-ubuntu16.04")
HOSTILE = [
    "1.6; rm -rf /", "$(id)", "`id`", "${PATH}", '"; RUN id; "', "' && id", "x|id", "x > /etc/passwd", "--index-url=x", "../../x",
    "{{ 7 * 7 }}", "{% include 'steps.j2' %}", "<<EOF", "# syntax=evil", "\u202e", "a" * 5_000, "1.6\nRUN id", "1.6\\", "\r", "\x00", "\u2028",
]  # fmt: skip


def instructions(dockerfile: str) -> list[str]:
    """The logical lines of a Dockerfile: comments out, continuations joined."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return re.sub(r"\\\n", " ", "\n".join(lines)).split("\n")


def shape(dockerfile: str) -> list[str]:
    """Each instruction's keyword, and RUN lines whole."""
    return [line if line.startswith("RUN") else line.split()[0] for line in instructions(dockerfile)]


def poisoned(image: PinnedImage, value: str) -> PinnedImage:
    """The image with a hostile value wherever a matrix or an index could have put one."""
    spec = image.spec
    return replace(
        image,
        spec=replace(
            spec,
            title=value,
            version=value,
            pins=tuple(replace(pin, value=value) if pin.name not in {"miniconda", "openmpi", "horovod"} else pin for pin in spec.pins),
            environment=tuple((name, value) for name, _ in spec.environment),
            packages=replace(spec.packages, build=(value,), runtime=(value,)),
            repositories=tuple(replace(found, url=value, key_url=value, fingerprint=value) for found in spec.repositories),
            sources=tuple(replace(found, url=value, sha256=value) for found in spec.sources),
        ),
        distributions=tuple(replace(found, version=value, sha256=value) for found in image.distributions),
    )  # fmt: skip


def assert_no_instruction_changes(value: str) -> None:
    expected = shape(rendering.render(GPU, JINJA)["Dockerfile"])
    try:
        files = rendering.render(poisoned(GPU, value), JINJA)
    except InputError:
        return
    assert shape(files["Dockerfile"]) == expected


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_changes_no_instruction(value: str) -> None:
    assert_no_instruction_changes(value)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_no_value_changes_an_instruction(value: str) -> None:
    assert_no_instruction_changes(value)


@pytest.mark.parametrize("value", ["1.6\nRUN id", "1.6\\", "\r", "\x00"])
def test_a_value_that_ends_a_line_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="cannot stand in a Dockerfile"):
        rendering.render(poisoned(GPU, value), JINJA)


def test_images_of_one_template_have_the_same_run_lines() -> None:
    """RUN lines are constant: a version or a package list never shows in one."""
    for platform in ("debian12", "ubuntu16.04"):
        runs = {
            tuple(line for line in instructions(rendering.render(image, JINJA)["Dockerfile"]) if line.startswith("RUN"))
            for image in PINNED
            if image.spec.version.startswith("1.") and image.spec.framework == "pytorch"
            if image.spec.platform.name == platform and image.spec.device == "gpu"
        }
        assert len(runs) == 1


@pytest.mark.parametrize("image", PINNED, ids=lambda image: cell(image.spec))
def test_the_committed_context_is_what_the_matrix_gives(image: PinnedImage) -> None:
    files = rendering.render(image, JINJA)
    difference = "".join(rendering.difference(files, ROOT / context(image.spec), image.spec))
    assert not difference, "run: python -m builder render"


def test_no_context_is_without_a_row() -> None:
    found = {path.parent.relative_to(ROOT / "images").as_posix() for path in (ROOT / "images").rglob("Dockerfile")}
    assert found == {cell(image.spec) for image in PINNED}


def test_the_label_holds_the_whole_row() -> None:
    dockerfile = rendering.render(GPU, JINJA)["Dockerfile"]
    line = next(line for line in dockerfile.splitlines() if line.startswith("LABEL framework-images.row="))
    row = json.loads(json.loads(line.partition("=")[2]))
    assert row["pins"]["torch"] == {"probe": "python-distribution", "value": "1.6.0"}
    assert set(row["pins"]) == {pin.name for pin in GPU.spec.pins}


def test_every_requirement_has_a_hash() -> None:
    for image in PINNED:
        for name, text in rendering.render(image, JINJA).items():
            if name.startswith("requirements/"):
                assert all(
                    re.fullmatch(r"[a-z0-9.-]+==\S+ --hash=sha256:[0-9a-f]{64}", line) for line in text.splitlines()
                ), name


def test_what_is_compiled_keeps_no_path_of_the_build() -> None:
    """Debugging symbols would name pip's directory; every stage that makes wheels leaves them out."""
    for image in PINNED:
        split, dockerfile = rendering.layers(image), rendering.render(image, JINJA)["Dockerfile"]
        stages = [one for one in dockerfile.split("\nFROM ") if " wheel --no-deps" in one]
        assert bool(stages) == any(not one.is_wheel for found in split.values() for one in found), cell(image.spec)
        assert all("LDFLAGS=-s" in one for one in stages)


def test_every_distribution_is_in_one_layer() -> None:
    for image in PINNED:
        placed = [found.name for layer in rendering.layers(image).values() for found in layer]
        assert sorted(placed) == sorted(found.name for found in image.distributions)


def test_what_needs_the_wheels_is_a_stage_only_where_a_template_has_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    image = next(one for one in PINNED if one.spec.framework == "scikit-learn")
    assert "FROM image AS finished" not in rendering.render(image, JINJA)["Dockerfile"]
    own = '{% extends "platforms/" ~ spec.platform.name ~ ".j2" %}{% block finish %}\nRUN python -V\n{% endblock %}'
    (tmp_path / "templates" / "scikit-learn.j2").write_text(own)
    found = rendering.render(image, rendering.environment(tmp_path / "templates"))["Dockerfile"]
    stage = found.partition("FROM image AS finished\n")[2]
    assert [line.split()[0] for line in stage.splitlines()] == ["ARG", "USER", "WORKDIR", "RUN", "USER", "WORKDIR"]


def test_an_undefined_name_in_a_template_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "pytorch.j2").write_text("FROM x\n{{ spec.colour }}\n", "utf-8")
    with pytest.raises(InputError, match=r"templates/pytorch\.j2.*colour"):
        rendering.render(GPU, rendering.environment(tmp_path))


def test_a_template_cannot_reach_python(tmp_path: Path) -> None:
    (tmp_path / "pytorch.j2").write_text("{{ spec.__class__.__mro__[1].__subclasses__() }}\n", "utf-8")
    with pytest.raises(InputError):
        rendering.render(GPU, rendering.environment(tmp_path))


def test_a_framework_without_a_template_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"templates/pytorch\.j2"):
        rendering.render(GPU, rendering.environment(tmp_path))


def test_no_layer_of_a_matrix_can_have_the_name_of_a_stage() -> None:
    """Its own stage ends in `-layer`, as some of ours do."""
    for image in PINNED:
        text = rendering.render(image, JINJA)["Dockerfile"]
        stages = {name.removesuffix("-layer") for name in re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE)}
        ours = {name for name in stages - dict(image.spec.layers).keys() if re.fullmatch(r"[a-z]{1,20}", name)}
        assert ours <= {*STAGES}, cell(image.spec)
        assert {"system", "installer"} <= ours
