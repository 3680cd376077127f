"""What changed between the inputs of two images, for example `torchvision 0.6.0 → 0.7.0`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from builder.build.fingerprint import ROW, Inputs

SHOWN = 5
SHORT = 8
REBASE = "a rebase: nothing is compiled or installed again"
UNEXPLAINED = "another version of this program computes the fingerprint differently"


def changes(old: Inputs, new: Inputs) -> tuple[str, ...]:
    """Every change from the old inputs to the new ones; at least one line."""
    named = tuple(values(old, new))
    files = sorted(name for name in old.files.keys() | new.files.keys() if old.files.get(name) != new.files.get(name))
    listed = {name: reason for name in files if (reason := in_list(name, old, new)) is not None}
    others = [name for name in files if name not in listed and name != ROW]
    what = "files" if named or listed else "templates"
    rest = [f"{what} changed ({', '.join(others)})"] if others else []
    row = ["the row changed"] if files == [ROW] and not named else []
    rebase = [REBASE] if is_rebase(old, new) else []
    return (*named, *filter(None, listed.values()), *rest, *row, *rebase) or (UNEXPLAINED,)


def is_rebase(old: Inputs, new: Inputs) -> bool:
    """Whether only the base moved. Such a build runs the OS step again and reuses every other layer."""
    return old.base != new.base != "" and replace(old, base=new.base) == new


def values(old: Inputs, new: Inputs) -> Iterator[str]:
    """The changes of single values: the platform, the base, the pins and the stages that the site replaces."""
    if old.platform != new.platform:
        yield f"platform {old.platform} → {new.platform}"
    for name, before, after in differing(old.pins, new.pins):
        yield moved(name, before, after)
    if not new.base:
        yield "its base is not made yet"
    elif old.base != new.base:
        yield f"base sha256:{short(old.base)} → {short(new.base)}"
    if new.base and old.toolchain != new.toolchain:
        yield f"toolchain base sha256:{short(old.toolchain)} → {short(new.toolchain)}"
    if old.layers != new.layers:
        yield f"layers {old.layers or 'of pip'} → {new.layers or 'of pip'}"
    for name, before, after in differing(old.stages, new.stages):
        yield stage(name, before, after)


def differing(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    """Each name whose two values differ, with both values; None for a missing one."""
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def moved(name: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"{name} {after} added".replace("  ", " ")
    return f"{name} {before} → {after}" if after is not None else f"{name} removed"


def stage(name: str, before: str | None, after: str | None) -> str:
    """One line about a stage that the site replaces now, or replaced before."""
    if before and after:
        return f"{name} from the site: {short(before)} → {short(after)}"
    return f"{name} now from the site: {short(after)}" if after else f"{name} no longer from the site"


def in_list(file: str, old: Inputs, new: Inputs) -> str | None:
    """What changed in a list of packages, without the pins; None when one of the two lists is not known."""
    if file not in old.lists or file not in new.lists:
        return None
    found = list(differing(old.lists[file], new.lists[file]))
    if not found:
        return f"{file}: other files of the same versions"
    said = [moved(*one) for one in found if (old.pins.get(one[0]), new.pins.get(one[0])) != one[1:]]
    more = [f"{len(said) - SHOWN} more"] if len(said) > SHOWN else []
    return f"{file}: {', '.join([*said[:SHOWN], *more])}" if said else ""


def short(digest: str) -> str:
    """The first eight digits of a digest, for people: `1a2b3c4d…`."""
    return digest.removeprefix("sha256:")[:SHORT] + "…"
