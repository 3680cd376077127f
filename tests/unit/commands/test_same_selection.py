"""The same flags select the same cells, whatever verb gets them."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.commands import parser
from builder.commands.common.inputs import cells_of
from builder.errors import InputError
from builder.matrix.load import Matrix, Preferred, load
from builder.matrix.names import cell

ROOT = Path(__file__).parents[3]
LOOKING = {
    "plan": (),
    "ci": ("matrix",),
    "docs": (),
    "image-info": (),
    "fetch": ("--to=directory",),
}
ACTING = {"build": (), "push": ("--registry=registry.example",), "reference": (), "record": ()}
NIGHTLY = {"nightly": ("--registry=registry.example",), "doctor": ("--sources",)}
"""Verbs that take every platform unless one is named."""
WHOLE = {
    "render": (),
    "lock": (),
    "validate": (),
    "drift": (),
    "verify-published": ("--registry=registry.example", "--key=cosign.pub"),
}
"""Verbs that take every platform always."""
EVERY = "--all-platforms"
FLAGS = (
    ((), ("--framework=scikit-learn",)),
    ((), ("--version=1.4", "--version=1.6")),
    ((), ("--gpu",)),
    ((), ("--all",)),
    ((), ("--only=1.*-gpu-*", "--only=pytorch/1.4.0-*-debian12")),
    ((), ("--exclude=1.6*",)),
)
PLATFORMS = ((), ("--platform=debian12",), ("--platform=ubuntu16.04",), ("--platform=any",), (EVERY,))
Selected = tuple[str, ...] | str


@pytest.fixture(autouse=True)
def one_parser_for_each_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of command lines are read, and a parser takes longer to make than to use."""
    monkeypatch.setattr(parser, "parser", cache(parser.parser))


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return load(ROOT / "matrix.yaml")


def combinations(*more: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, ...]]:
    for chosen in product(*FLAGS, *more):
        yield tuple(word for words in chosen for word in words)


def selected(matrix: Matrix, *argv: str) -> Selected:
    """The cells that a command line selects, or why it selects none."""
    try:
        return tuple(cell(spec) for spec in cells_of(matrix, parser.options(argv)))
    except InputError as error:
        return error.message


def test_the_same_flags_select_the_same_cells(matrix: Matrix) -> None:
    for flags in combinations(PLATFORMS):
        wanted = selected(matrix, "list", *flags)
        for verb, needed in LOOKING.items():
            assert selected(matrix, verb, *needed, *flags) == wanted, (verb, flags)
        for verb, needed in ACTING.items():
            found = selected(matrix, verb, *needed, *flags)
            assert found == wanted or str(found).startswith("nothing is selected"), (verb, flags)
        if any(word.startswith(("--platform", EVERY)) for word in flags):
            for verb, needed in NIGHTLY.items():
                assert selected(matrix, verb, *needed, *flags) == wanted, (verb, flags)


def test_a_night_takes_every_platform_unless_one_is_named(matrix: Matrix) -> None:
    for flags in combinations():
        for verb, needed in NIGHTLY.items():
            assert selected(matrix, verb, *needed, *flags) == selected(matrix, "list", EVERY, *flags), (verb, flags)


def test_what_must_be_whole_takes_every_platform_always(matrix: Matrix) -> None:
    for flags in combinations():
        wanted = selected(matrix, "list", EVERY, *flags)
        for (verb, needed), platform in product(WHOLE.items(), PLATFORMS[:2]):
            assert selected(matrix, verb, *needed, *flags, *platform) == wanted, (verb, flags, platform)


@pytest.mark.parametrize("verb", ACTING)
@pytest.mark.parametrize("flags", [(), ("--platform=debian12",), (EVERY,), ("--exclude=1.4*",)])
def test_a_verb_that_acts_does_so_on_what_was_selected(verb: str, flags: tuple[str, ...], matrix: Matrix) -> None:
    assert str(selected(matrix, verb, *ACTING[verb], *flags)).startswith("nothing is selected")


@pytest.mark.parametrize(("preferred", "platform"), [(None, "ubuntu16.04"), ("debian12", "debian12")])
def test_a_version_is_two_cells_on_the_platform_that_the_site_prefers(preferred: str | None, platform: str) -> None:
    matrix = load(ROOT / "matrix.yaml", Preferred(platform=preferred))
    wanted = tuple(f"pytorch/1.4.0-{device}-{platform}" for device in ("cpu", "gpu"))
    for verb, needed in {**LOOKING, **ACTING}.items():
        assert selected(matrix, verb, *needed, "--version=1.4") == wanted, verb


@pytest.mark.parametrize("flags", [("--version=1.4",), ("--version=1.4", EVERY), ("--gpu",), ("--only=1.6*",)])
def test_what_the_verbs_print(
    flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole verbs, with no engine: each prints the cells that the function gives."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.chdir(ROOT)
    site = tmp_path / "site.yaml"
    site.write_text("base: pull\n")
    wanted = selected(load(ROOT / "matrix.yaml"), "list", *flags)
    for verb in (["list"], ["plan"], ["build", "-n"]):
        assert main([*verb, *flags, f"--site={site}", "--format=json"]) == 0
        assert tuple(one["name"] for one in json.loads(capsys.readouterr().out)["images"]) == wanted
    assert main(["ci", "matrix", *flags, f"--site={site}", "--format=json"]) == 0
    jobs = json.loads(capsys.readouterr().out)["jobs"]
    assert {name for job in jobs for name in job["cells"]} == set(wanted)


def test_what_is_hidden_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["list", "--version=1.4"]) == 0
    assert "2 more cells on other platforms: --all-platforms shows them" in capsys.readouterr().err
    assert main(["list", "--version=1.4", EVERY]) == 0
    assert "more cells" not in capsys.readouterr().err
    assert main(["list", "--gpu"]) == 0
    assert "no --version: the default, 1.4; --all for every release" in capsys.readouterr().err


def test_a_platform_that_has_no_effect_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["validate", "--version=1.4", "--platform=debian12"]) == 0
    found = capsys.readouterr()
    assert "validate takes every platform: --platform debian12 has no effect" in found.err
    assert found.out.startswith("4 cells, ")
