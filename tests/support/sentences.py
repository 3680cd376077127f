"""The sentences of a text, and those that a person reads in a Python file: docstrings, comments, errors."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from itertools import pairwise
from pathlib import Path

ONE_WORD = (
    (re.compile(r"`[^`]*`"), "CODE"),
    (re.compile(r"\w+://\S*\w"), "URL"),
    (re.compile(r"\b(e\.g|i\.e|etc|cf|vs)\.(?=\s)"), "WORD"),
)
END = re.compile(r"""[.?!]["'”)\]]*\s+""")
PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s|[-*•|] )")
"""An empty line, an item of a list, or a line that is indented: a row of a table, an example."""
DIRECTIVE = re.compile(r"#!|#\s*(noqa|type:|fmt:|ruff:|mypy:|pragma|shellcheck)")


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """What is written at a line of a file."""

    line: int
    text: str


def sentences(text: str) -> list[str]:
    """The sentences of a text, each in one line.

    Code in backticks is a word, and so is a URL; the dots of `e.g.` end nothing. A paragraph ends a sentence.
    """
    for pattern, word in ONE_WORD:
        text = pattern.sub(word, text)
    found = [part for paragraph in PARAGRAPH.split(text) for part in END.split(paragraph)]
    return [" ".join(part.split()) for part in found if part.strip()]


def words(sentence: str) -> int:
    """How many words a sentence has: a dash or an arrow alone is none."""
    return sum(any(letter.isalnum() for letter in word) for word in sentence.split())


def texts(file: Path) -> list[Text]:
    """What a person reads of a Python file, in the order of its lines."""
    source = file.read_text("utf-8")
    tree = ast.parse(source)
    return sorted({*docstrings(tree), *comments(source), *errors(tree)})


def docstrings(tree: ast.AST) -> Iterator[Text]:
    """Every string that is a statement: of a module, a class, a function, or a value above it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield Text(node.lineno, cleandoc(node.value.value))


def comments(source: str) -> Iterator[Text]:
    """Every comment; those that fill lines one below the other are one text."""
    tokens = [one for one in tokenize.generate_tokens(io.StringIO(source).readline) if one.type == tokenize.COMMENT]
    block: list[tokenize.TokenInfo] = []
    for one, following in pairwise([*tokens, None]):
        assert one
        if not DIRECTIVE.match(one.string):
            block.append(one)
        if block and not (following and continues(one, following)):
            yield Text(block[0].start[0], "\n".join(part.string.lstrip("# ") for part in block))
            block = []


def continues(one: tokenize.TokenInfo, following: tokenize.TokenInfo) -> bool:
    """Whether the second comment is the next line of the first."""
    alone = not following.line[: following.start[1]].strip()
    return alone and following.start == (one.start[0] + 1, one.start[1])


def errors(tree: ast.AST) -> Iterator[Text]:
    """The texts of errors: what is given to `...Error(...)`, and what joins `problems`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_error(node.func):
            for given in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from strings(given)
        elif isinstance(node, ast.AugAssign) and last_name(node.target) == "problems":
            yield from strings(node.value)


def is_error(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute) and function.attr in ("append", "extend"):
        return last_name(function.value) == "problems"
    return last_name(function).endswith("Error")


def last_name(node: ast.expr) -> str:
    """The `c` of `a.b.c`; empty for what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def strings(node: ast.AST) -> Iterator[Text]:
    """The literals in an expression; a placeholder of an f-string is a word."""
    if isinstance(node, ast.JoinedStr):
        parts = (str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values)
        yield Text(node.lineno, "".join(parts))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield Text(node.lineno, node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from strings(child)
