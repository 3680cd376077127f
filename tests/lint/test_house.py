"""The house stays a place to find things in: its rooms, its sentences, and the tests beside it."""

import argparse
import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from builder.commands.parser import parser
from tests.support.command_line import ROOT
from tests.support.sentences import sentences, texts, words

BUILDER, TESTS = ROOT / "builder", ROOT / "tests"
FOLDERS = 14
FILES = {"README.md", "__init__.py", "__main__.py", "errors.py"}
LONGEST = 30
"""Words of a sentence."""


def test_builder_holds_fourteen_folders_and_four_files() -> None:
    found = [path for path in BUILDER.iterdir() if path.name != "__pycache__" and not path.name.startswith(".")]
    assert {path.name for path in found if path.is_file()} == FILES
    assert len([path for path in found if path.is_dir()]) == FOLDERS


def imported(file: Path) -> set[str]:
    """The modules that a file imports, wherever it does."""
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    direct = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return direct | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def test_no_test_file_is_imported() -> None:
    """What several tests need lies in tests/support, which needs nothing of theirs."""
    found = {file: imported(file) for file in TESTS.rglob("*.py")}
    foreign = ("tests.unit", "tests.integration", "tests.lint", "conftest", "test_")
    assert [f"{file}: {name}" for file, names in found.items() for name in names if name.startswith(foreign)] == []
    support = {name for file, names in found.items() if file.parent.name == "support" for name in names}
    assert not {name for name in support if name.startswith("tests.") and not name.startswith("tests.support")}


def test_a_conftest_holds_fixtures_only() -> None:
    """And hooks of pytest."""
    for file in TESTS.rglob("conftest.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            assert not isinstance(node, ast.ClassDef), f"{file}: {node.name}"
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("pytest_"):
                assert any("fixture" in ast.unparse(one) for one in node.decorator_list), f"{file}: {node.name}"


def test_tests_wait_for_something_and_not_for_a_while() -> None:
    """`until` polls with a deadline; a sleep hopes that it is long enough."""
    sleeps = re.compile(r"^ *time\.sleep\(", re.MULTILINE)
    found = [
        file
        for file in TESTS.rglob("*.py")
        if sleeps.search(re.sub(r'""".*?"""', "", file.read_text("utf-8"), flags=re.DOTALL))
    ]
    assert found == [TESTS / "support" / "polling.py"]


def too_long(where: str, text: str) -> Iterator[str]:
    for sentence in sentences(text):
        if (count := words(sentence)) > LONGEST:
            yield f"{where}: {count} words: {sentence}"


def in_files() -> Iterator[str]:
    for file in sorted(BUILDER.rglob("*.py")):
        for one in texts(file):
            yield from too_long(f"{file.relative_to(ROOT)}:{one.line}", one.text)


def in_help(one: argparse.ArgumentParser) -> Iterator[str]:
    """The description, the epilog and every flag of a verb, and those of its own verbs."""
    groups = [text for group in one._action_groups for text in (group.title, group.description)]
    for text in (one.description, one.epilog, *groups):
        yield from too_long(one.prog, text or "")
    for action in one._actions:
        yield from too_long(f"{one.prog} {'/'.join(action.option_strings) or action.dest}", action.help or "")
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield from too_long(f"{one.prog} {choice.dest}", choice.help or "")
            for below in dict.fromkeys(action.choices.values()):
                yield from in_help(below)


def listed(found: Iterable[str]) -> None:
    lines = list(dict.fromkeys(found))
    if lines:
        pytest.fail(f"{len(lines)} sentences of more than {LONGEST} words\n" + "\n".join(lines), pytrace=False)


def test_sentences_of_docstrings_comments_and_errors_are_short() -> None:
    listed(in_files())


def test_sentences_of_help_are_short() -> None:
    listed(in_help(parser()))


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("One two. Three four five? Six!", [2, 3, 1]),
        ("Use `docker buildx build --push .` now.", [3]),
        ("See https://example.org/a?b=c. It says why.", [2, 3]),
        ("A rule, e.g. this one, i.e. no end.", [8]),
        ("Version 1.4 of builder.lock — or none.", [6]),
        ("A line\nthat goes on.", [5]),
        ("A list:\n- of one thing\n- and another", [2, 3, 2]),
        ("A table:\n\n    row 1   more\n    row 2   more", [2, 3, 3]),
        ('It says "no." Then it ends.', [3, 3]),
    ],
)
def test_where_a_sentence_ends(text: str, counts: list[int]) -> None:
    assert [words(one) for one in sentences(text)] == counts
