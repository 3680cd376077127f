"""Whatever the program tells people to type next is a command that it takes, with flags that it has."""

import argparse
import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from builder.commands.parser import options, parser
from tests.support.command_line import ROOT

BUILDER = ROOT / "builder"
COMMAND = re.compile(r"python -m builder((?:[^\S\n]+[^\s`;]+)*)")
END = re.compile(r"[,:](?:\s|$)|\s(?:which|does\w*|records|fetches|names|shows|removes|or|and)\b|\s>")
"""Where a command ends and the sentence around it goes on."""
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
FOREIGN = re.compile(r"\b(?:apt-get|az|conda|cosign|docker|git|kubectl|pip)\b[^;,:]*")
"""The commands of other programs, which have flags of their own."""
SELECTION = "--version 1.4 --cpu"
VALUES = {"flags": SELECTION, "selection": SELECTION, "verb": "build", "options.action": "stop", "FLAG": ""}
"""What stands in the place of a value that is more than one word, or that is a word of the command line."""
FRAGMENTS = {"python -m builder fetch --to"}
"""Beginnings that get a value wherever they are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of the program, with a word in the place of each value that only a run knows."""

    where: str
    text: str
    is_hint: bool


def texts(file: Path) -> Iterator[Text]:
    tree = ast.parse(file.read_text("utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        id(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    }
    hints = {id(node) for one in hint_values(tree) for node in ast.walk(one)}
    for node in ast.walk(tree):
        text = written(node, file) if id(node) not in inside | docstrings(tree) else ""
        if text:
            where = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            yield Text(where=where, text=text, is_hint=id(node) in hints)


def hint_values(tree: ast.AST) -> Iterator[ast.AST]:
    """What is given as `hint`, and what the names in that are set to in the same file."""
    given = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "hint"]
    yield from given
    names = {one.id for value in given for one in ast.walk(value) if isinstance(one, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(ast.unparse(one) in names for one in node.targets):
            yield node.value


@cache
def docstrings(tree: ast.AST) -> frozenset[int]:
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)]
    return frozenset(id(one.value) for body in bodies for one in body if isinstance(one, ast.Expr))


def written(node: ast.AST, file: Path) -> str:
    """The text of a string; of one with values, those that are constants are written out."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = (one.value if isinstance(one, ast.Constant) else value_of(one, file) for one in node.values)
    return "".join(map(str, parts))


def value_of(node: ast.AST, file: Path) -> str:
    expression = ast.unparse(node.value) if isinstance(node, ast.FormattedValue) else ""
    if expression in VALUES:
        return VALUES[expression]
    found: object = module(file)
    for name in expression.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, str) else "X"


def module(file: Path) -> object:
    return importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def every() -> list[Text]:
    return [one for file in sorted(BUILDER.rglob("*.py")) if "checks" not in file.parts for one in texts(file)]


def commands(text: str) -> Iterator[str]:
    """The arguments of each command of this program in a text."""
    if text in FRAGMENTS:
        return
    for found in COMMAND.finditer(text.replace("{0}", "stop")):
        yield END.split(found[1] + " ", maxsplit=1)[0].replace("...", "").strip()


def problem(arguments: str) -> str:
    """Why the program does not take the arguments; empty when it does."""
    try:
        options(shlex.split(arguments))
    except SystemExit as ended:
        return f"exit {ended.code}" if ended.code else ""
    return ""


def complaint(one: Text, said: str) -> str:
    """What argparse said; a text that names a command may leave out what the command needs, a hint may not."""
    missing = "are required" in said or "expected one argument" in said
    is_whole = one.is_hint and "..." not in one.text
    return "" if missing and not is_whole else said.strip().rpartition("\n")[2]


def flags(one: argparse.ArgumentParser) -> Iterator[str]:
    for action in one._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from flags(below)


def test_each_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [
        f"{one.where}: builder {arguments}: {why}"
        for one in every()
        for arguments in commands(one.text)
        if problem(arguments) and (why := complaint(one, capsys.readouterr().err))
    ]
    assert not wrong, "\n".join(wrong)


PAGES = [ROOT / "README.md", BUILDER / "README.md", *sorted((BUILDER / "pages").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_of_a_page_is_one(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = re.sub(r"\\\n\s*", "", page.read_text("utf-8"))
    lines = [line.partition("  #")[0] for line in text.splitlines()]
    found = [Text(where=page.name, text=line, is_hint=False) for line in lines]
    wrong = [
        f"builder {arguments}: {why}"
        for one in found
        for arguments in commands(one.text)
        if problem(arguments) and (why := complaint(one, capsys.readouterr().err))
    ]
    assert not wrong, "\n".join(wrong)


def test_each_flag_of_a_hint_is_one() -> None:
    known = set(flags(parser()))
    hints = [one for one in every() if one.is_hint]
    assert len(hints) > 100
    wrong = [
        f"{one.where}: {flag}: {one.text}"
        for one in hints
        for flag in FLAG.findall(FOREIGN.sub("", one.text))
        if flag not in known
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("df -h; python -m builder clean", ["clean"]),
        ("python -m builder build, which labels", ["build"]),
        ("`python -m builder doctor` shows the site", ["doctor"]),
        ("python -m builder lock --upgrade apt records it", ["lock --upgrade apt"]),
        ("python -m builder run --export azureml ... > job.yml, then az", ["run --export azureml"]),
        ("python -m builder audit X: it is", ["audit X"]),
        ("python -m builder --help", ["--help"]),
        ("no command", []),
    ],
)
def test_where_a_command_ends(text: str, found: list[str]) -> None:
    assert list(commands(text)) == found


@pytest.mark.parametrize("arguments", ["bulid", "build --vershion 1", "push", "runs --gpu", "lock everything"])
def test_what_is_no_command_is_found(arguments: str) -> None:
    assert problem(arguments)
