"""The command line of a script from its parameters: a list of words, which no shell ever reads."""

import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from builder.errors import InputError
from builder.training.request.argument_types import Input, Problems

Word = str | Input
Parameters = Mapping[str, object] | Sequence[Word]
RESUME_FLAG = "--resume-from"


def words(params: object, problems: Problems) -> tuple[Word, ...]:
    """The parameters in their order: a flag, then its value; None and "" leave the flag bare, lists flatten.

    A list in place of the dictionary is the command line itself.
    """
    if params is None:
        return ()
    if isinstance(params, list | tuple):
        problems += [f"script_params: {one!r} is not text" for one in params if not isinstance(one, Word)]
        return tuple(params)
    if not isinstance(params, Mapping):
        problems.append(f"script_params: {type(params).__name__} is no dictionary of flags and values")
        return ()
    found: list[Word] = []
    for flag, value in params.items():
        if not isinstance(flag, str) or not flag or "\0" in flag:
            problems.append(f"script_params: the flag {flag!r} is not text")
            continue
        found += [flag, *flat(value, flag, problems)]
    return tuple(found)


def flat(value: object, flag: str, problems: Problems) -> Iterable[Word]:
    """The words of one value; text is one word, whatever is in it."""
    if value is None or value == "":
        return ()
    if isinstance(value, Input):
        return (value,)
    if isinstance(value, Mapping | bytes | AbstractSet):
        problems.append(f"script_params: {flag}: {a(value)} has no order of words: give a list")
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str | os.PathLike):
        return [word for one in value for word in flat(one, flag, problems)]
    text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    if not isinstance(text, str) or "\0" in text:
        problems.append(f"script_params: {flag}: {value!r} cannot be an argument of a process")
        return ()
    return (text,)


def a(value: object) -> str:
    """A type with its article."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def merged(params: Parameters | None, override: Mapping[str, object] | None) -> Parameters | None:
    """The parameters with some replaced, in their places; new ones follow. Raises InputError for a command line."""
    if not override:
        return params
    if params is None or isinstance(params, Mapping):
        return {**(params or {}), **override}
    raise InputError("script_params: a list cannot be overridden by name: give a dictionary")
