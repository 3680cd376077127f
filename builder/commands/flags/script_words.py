"""Parts a command line into the words of this program and those of the script that it names, where no `--` does."""

import difflib
from argparse import Action
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

END = "--"
ENTRIES = ("entry", "module")
CLOSE = 0.82
"""How alike a wrong flag and one of ours are, as difflib counts, where a person hardly meant the script."""
Actions = Mapping[str, Action]
"""The flags of the verb by their names."""


@dataclass(frozen=True, slots=True)
class Parted:
    """A command line in three: our words, the script's that were understood as such, and those that follow `--`."""

    ours: list[str] = field(default_factory=list)
    understood: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def parted(words: Sequence[str], known: Actions) -> Parted:
    """The words by whose they are. After the entry, all that is no flag of ours is the script's."""
    end = words.index(END) if END in words else len(words)
    found, rest, has_entry = Parted(after=list(words[end + 1 :])), list(words[:end]), False
    while rest:
        word = rest.pop(0)
        action = action_of(word, known)
        (found.understood if action is None and has_entry else found.ours).append(word)
        has_entry = has_entry or (action is not None and action.dest in ENTRIES)
        if action is not None and takes_next(word, action, known) and rest:
            found.ours.append(rest.pop(0))
    return found


def takes_next(word: str, action: Action, known: Actions) -> bool:
    """Whether the next word is the value of this flag."""
    return word in known and action.nargs is None


def action_of(word: str, known: Actions) -> Action | None:
    """What the word is a flag of: `--memory`, `--memory=8g`, `-e`, or `-eA=1`."""
    if not word.startswith("-"):
        return None
    if word in known:
        return known[word]
    found = known.get(word.partition("=")[0] if word.startswith(END) else word[:2])
    return found if found is not None and found.nargs is None else None


def misspelt(understood: Sequence[str], known: Actions) -> str | None:
    """The first word that is nearly a flag of ours, with it: `--vesion (did you mean --version?)`."""
    for word in understood:
        name = word.partition("=")[0]
        like = name[:100].replace("_", "-")
        close = difflib.get_close_matches(like, known, n=1, cutoff=CLOSE) if word.startswith(END) else []
        if close:
            return f"{name} (did you mean {close[0]}?)"
    return None
