"""Makes the command line of a script from its parameters: a list of words that no shell reads."""

import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from builder.errors import InputError
from builder.training.request.argument_types import Input, Problems

Word = str | Input
Parameters = Mapping[str, object] | Sequence[Word]
RESUME_FLAG = "--resume-from"


def words(params: object, problems: Problems) -> tuple[Word, ...]:
    """The words of the parameters, in their order.

    `{"--lr": 0.1, "--fast": None, "--sizes": [1, 2]}` gives `--lr 0.1 --fast --sizes 1 2`; "" is like None.
    A list instead of a dictionary is the command line itself.
    """
    if params is None:
        return ()
    if isinstance(params, list | tuple):
        for one in params:
            if not isinstance(one, Word):
                problems.add("script_params", f"{one!r} is not text")
        return tuple(params)
    if not isinstance(params, Mapping):
        problems.add("script_params", f"{type(params).__name__} is not a dictionary of flags and values")
        return ()
    found: list[Word] = []
    for flag, value in params.items():
        if not isinstance(flag, str) or not flag or "\0" in flag:
            problems.add("script_params", f"the flag {flag!r} is not text")
            continue
        found += [flag, *flat(value, flag, problems)]
    return tuple(found)


def flat(value: object, flag: str, problems: Problems) -> Iterable[Word]:
    """The words of one value. Text is one word, even with spaces in it."""
    if value is None or value == "":
        return ()
    if isinstance(value, Input):
        return (value,)
    if isinstance(value, Mapping | bytes | AbstractSet):
        problems.add("script_params", f"{flag}: {a(value)} has no order of words: give a list")
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str | os.PathLike):
        return [word for one in value for word in flat(one, flag, problems)]
    text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    if not isinstance(text, str) or "\0" in text:
        problems.add("script_params", f"{flag}: {value!r} cannot be an argument of a process")
        return ()
    return (text,)


def a(value: object) -> str:
    """The type of a value with its article, e.g. `a dict`."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def merged(params: object, override: Mapping[str, object] | None) -> object:
    """The parameters with some values replaced; new flags come last. Raises InputError for a command line."""
    if not override:
        return params
    if params is None or isinstance(params, Mapping):
        return {**(params or {}), **override}
    raise InputError("script_params: a list has no names to override: give a dictionary")
