"""The expressions of workflows, `${{ }}`: those that this project's use. Anything else is refused, never guessed.

https://docs.github.com/actions/reference/workflows-and-actions/expressions
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)|(?P<sign>==|!=|&&|\|\||[!(),]))"
)
EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
LITERALS = {"true": True, "false": False, "null": None}
STATUS = re.compile(r"\b(?:always|cancelled|failure|success)\(")
"""The functions with which a condition replaces `success()`, which every other one begins with."""


class RefusedError(Exception):
    """A workflow says something that this reader does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an expression can name: contexts as nested mappings, and whether what was before failed."""

    contexts: Mapping[str, Any]
    succeeded: bool = True

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "fromJSON": json.loads,
            "always": lambda: True,
            "cancelled": lambda: False,
            "success": lambda: self.succeeded,
            "failure": lambda: not self.succeeded,
        }


def evaluated(expression: str, scope: Scope) -> Any:
    """The value of an expression; raises RefusedError for what is not known."""
    tokens = list(tokens_of(expression))
    value = either(tokens, scope)
    if tokens:
        raise RefusedError(f"{expression!r}: {tokens[0]!r} is not expected there")
    return value


def tokens_of(expression: str) -> Iterator[str]:
    position, text = 0, expression.rstrip()
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None:
            raise RefusedError(f"{expression!r}: what is {text[position:].strip()!r}?")
        yield found[0].strip()
        position = found.end()


def either(tokens: list[str], scope: Scope) -> Any:
    value = both(tokens, scope)
    while taken(tokens, "||"):
        other = both(tokens, scope)
        value = value if truth(value) else other
    return value


def both(tokens: list[str], scope: Scope) -> Any:
    value = comparison(tokens, scope)
    while taken(tokens, "&&"):
        other = comparison(tokens, scope)
        value = other if truth(value) else value
    return value


def comparison(tokens: list[str], scope: Scope) -> Any:
    value = single(tokens, scope)
    for sign in ("==", "!="):
        if taken(tokens, sign):
            return equal(value, single(tokens, scope)) is (sign == "==")
    return value


def single(tokens: list[str], scope: Scope) -> Any:
    """A value that no operator joins with another."""
    if not tokens:
        raise RefusedError("an expression ends too early")
    token = tokens.pop(0)
    if token == "!":
        return not truth(single(tokens, scope))
    if token == "(":
        value = either(tokens, scope)
        expect(tokens, ")")
        return value
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if taken(tokens, "("):
        return called(token, tokens, scope)
    return LITERALS[token] if token in LITERALS else named(token, scope.contexts)


def called(name: str, tokens: list[str], scope: Scope) -> Any:
    functions = scope.functions()
    if name not in functions:
        raise RefusedError(f"{name}(): no such function is known")
    arguments = [] if taken(tokens, ")") else [either(tokens, scope)]
    if arguments:
        expect(tokens, ")")
    return functions[name](*arguments)


def named(name: str, contexts: Mapping[str, Any]) -> Any:
    """The value at a path; a name that nothing declares is refused, where GitHub would give nothing."""
    value: Any = contexts
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise RefusedError(f"{name}: nothing declares {part!r}")
        value = value[part]
    return value


def taken(tokens: list[str], sign: str) -> bool:
    """Whether the next token is the sign, which is then dropped."""
    if tokens[:1] != [sign]:
        return False
    tokens.pop(0)
    return True


def expect(tokens: list[str], sign: str) -> None:
    if not taken(tokens, sign):
        raise RefusedError(f"{sign!r} is missing before {' '.join(tokens) or 'the end'}")


def truth(value: Any) -> bool:
    return bool(value) or isinstance(value, (dict, list))


def equal(one: Any, other: Any) -> bool:
    """Texts are equal whatever their case; values of two types are not compared here, as GitHub turns them into numbers."""
    if type(one) is not type(other):
        raise RefusedError(f"{one!r} and {other!r} are of two types")
    return bool(one.casefold() == other.casefold() if isinstance(one, str) else one == other)


def interpolated(text: str, scope: Scope) -> str:
    """The text with the value of each expression in its place."""
    found = EMBEDDED.sub(lambda one: written(evaluated(one[1], scope)), text)
    if "${{" in EMBEDDED.sub("", text):
        raise RefusedError(f"{text!r}: an expression without an end")
    return found


def written(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise RefusedError(f"{value!r} is no text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def condition(text: str, scope: Scope) -> bool:
    """Whether an `if` holds. Without a function of status it holds only where all before succeeded."""
    inner = found[1] if (found := EMBEDDED.fullmatch(text.strip())) else text
    if not inner.strip():
        return scope.succeeded
    if not STATUS.search(inner) and not scope.succeeded:
        return False
    return truth(evaluated(inner, scope))
