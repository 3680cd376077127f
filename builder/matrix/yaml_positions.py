"""Reads YAML with positions. Each scalar stays the text in the file, and has its line and column."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from builder.errors import InputError
from builder.matrix.regular_file import read_bytes

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_VALUE = 2_000
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
Problems = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A scalar, a sequence or a mapping, and where it stands."""

    place: str
    path: str
    scalar: str = ""
    items: tuple["Node", ...] = ()
    entries: Mapping[str, "Node"] = field(default_factory=dict)
    kind: str = "scalar"


def load(file: Path, problems: Problems, *, named_by: str = "") -> Node:
    """The document in `file`; syntax errors and duplicate keys join `problems`. Raises InputError when unreadable.

    `named_by` is the flag that names another file.
    """
    return parse(read(file, named_by), file.name, problems)


def read(file: Path, named_by: str = "") -> str:
    """The text of a configuration file; raises InputError when it is missing, too large or not UTF-8."""
    try:
        content = read_bytes(file, MAX_BYTES)
    except OSError as error:
        hint = f"the same command with {named_by} FILE, or in the directory that holds {file.name}"
        raise InputError(f"{file}: {error.strerror}", hint=hint if named_by else f"ls -l {file}") from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 at byte {error.start}") from None


def parse(text: str, name: str, problems: Problems) -> Node:
    """The document in `text`. Anchors, aliases and tags are refused, so nothing expands, constructs or merges."""
    if found := CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise InputError(f"{name}:{line}:{column}: control character {found.group()!r}")
    try:
        events = iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                return node(next(events), events, name, "", problems)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
        raise InputError(f"{place}: not YAML: {getattr(error, 'problem', None) or error}") from None
    raise InputError(f"{name}:1:1: the file is empty")


def node(event: yaml.Event, events: Iterator[yaml.Event], name: str, path: str, problems: Problems) -> Node:
    """The node that starts with `event`."""
    place = place_of(event, name)
    if path.count(".") + path.count("[") > MAX_DEPTH:
        raise InputError(f"{place}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
        raise InputError(f"{place}: {path or 'top'}: anchors, aliases and tags are not used here: write the value out")
    if isinstance(event, yaml.SequenceStartEvent):
        return Node(place=place, path=path, kind="sequence", items=sequence(events, name, path, problems))
    if isinstance(event, yaml.MappingStartEvent):
        return Node(place=place, path=path, kind="mapping", entries=pairs(events, name, path, problems))
    value = str(getattr(event, "value", ""))
    if found := CONTROL.search(value):  # an escape in double quotes
        raise InputError(f"{place}: {path or 'top'}: control character {found.group()!r}")
    if len(value) > MAX_VALUE:
        raise InputError(f"{place}: {path}: a value of {len(value):,} characters")
    return Node(place=place, path=path, scalar=value)


def place_of(event: yaml.Event, name: str) -> str:
    """Where an event starts, as `FILE:LINE:COLUMN`."""
    mark = event.start_mark
    return f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name


def sequence(events: Iterator[yaml.Event], name: str, path: str, problems: Problems) -> tuple[Node, ...]:
    items: list[Node] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(node(event, events, name, f"{path}[{len(items)}]", problems))
    return tuple(items)


def pairs(events: Iterator[yaml.Event], name: str, path: str, problems: Problems) -> dict[str, Node]:
    entries: dict[str, Node] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        place = place_of(event, name)
        if not isinstance(event, yaml.ScalarEvent):
            raise InputError(f"{place}: {path or 'top'}: a key must be text")
        if found := CONTROL.search(event.value):
            raise InputError(f"{place}: {path or 'top'}: control character {found.group()!r} in a key")
        where = f"{path}.{event.value}" if path else event.value
        if event.value in entries:
            problems.append(f"{place}: {where}: the key is there twice")
        entries[event.value] = node(next(events), events, name, where, problems)
    return entries


def show(value: str) -> str:
    """The value for an error message: escaped, and cut to 60 characters."""
    return ascii(value if len(value) <= 60 else value[:57] + "...")  # noqa: PLR2004 (a line's worth)


def near(word: str, known: Collection[str]) -> str:
    """` (did you mean X?)`, or nothing when nothing is close."""
    close = difflib.get_close_matches(word[:100], known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def report(problems: Problems, at: Node, what: str) -> None:
    """Add a problem as `FILE:LINE:COLUMN: path: what`."""
    problems.append(f"{at.place}: {at.path or 'top'}: {what}")


def fields(
    at: Node, problems: Problems, *, required: Collection[str], optional: Collection[str] = ()
) -> Mapping[str, Node]:
    """The entries of a mapping whose keys are known; unknown and missing ones join `problems`."""
    entries = mapping(at, problems)
    known = [*required, *optional]
    for key, value in entries.items():
        if key not in known:
            report(problems, value, f"unknown key{near(key, known)}")
    for key in required:
        if key not in entries and at.kind == "mapping":
            report(problems, at, f"the key {key} is missing")
    return entries


def mapping(at: Node, problems: Problems) -> Mapping[str, Node]:
    """The entries of a mapping; anything else joins `problems`."""
    if at.kind != "mapping":
        report(problems, at, f"expected a mapping, found a {at.kind}")
    return at.entries


def items(at: Node | None, problems: Problems) -> tuple[Node, ...]:
    """The items of a sequence; none when it is absent."""
    if at is not None and at.kind != "sequence":
        report(problems, at, f"expected a list, found a {at.kind}")
    return at.items if at else ()


def text(at: Node | None, problems: Problems, pattern: re.Pattern[str], what: str) -> str:
    """The scalar, when all of it matches `pattern`; otherwise empty text, and a problem that names `what`."""
    if at is None:
        return ""
    if at.kind != "scalar" or not pattern.fullmatch(at.scalar):
        report(problems, at, f"{show(at.scalar) if at.kind == 'scalar' else f'a {at.kind}'} is not {what}")
        return ""
    return at.scalar


def one_of(at: Node | None, problems: Problems, known: Collection[str], what: str) -> str:
    """The scalar, when it is one of `known`; otherwise empty text, and a problem that says what was close."""
    if at is None:
        return ""
    if at.kind != "scalar" or at.scalar not in known:
        choices = ", ".join(sorted(known))
        report(problems, at, f"{show(at.scalar)} is not {what}{near(at.scalar, known)}: there are {choices}")
        return ""
    return at.scalar
