"""Decides for each cell whether to build, verify or tag it, and says why. Pure, and linear in cells and images."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from builder.build.changes import changes, is_rebase
from builder.build.fingerprint import Inputs, parse
from builder.build.platform_change import PlatformChange
from builder.matrix.tags import Tags

Action = Literal["build", "re-verify", "re-tag", "skip"]
UNCHANGED = "unchanged"
NO_ENGINE = "no engine: what exists is not known"
FIRST = "this engine has no image of it"
UNKNOWN = "its newest image does not say what it was made from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A cell as its inputs want it."""

    name: str
    fingerprint: str
    """Empty until the base is made. No image has an empty fingerprint, so the cell is then built."""
    inputs: Inputs
    checks: str
    tags: Tags
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """An image that was built from a matrix, with what this host remembers of it."""

    digest: str
    cell: str
    fingerprint: str
    label: str | None
    """The label with its inputs; anything can be in it."""
    references: tuple[str, ...]
    created: int
    platform: str = ""
    """The platform that its label names; empty where it names none."""
    size: int = 0
    verified: frozenset[str] = field(default=frozenset())
    """The versions of the checks that it passed on this host, each a sha256."""
    at_epoch: bool = True
    """Whether its configuration has the one time that builds write. `docker commit` writes the current time instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do for a cell, and why; `image` is the digest to verify or tag, None when the cell is built."""

    name: str
    action: Action
    reasons: tuple[str, ...]
    image: str | None = None
    size: int = 0
    rebase: bool = False
    """Whether the newest image of the cell differs in its base alone."""
    published: tuple[str, ...] = ()
    """Its references in registries, when a registry has the image and this engine does not need it."""
    platform_changes: tuple[PlatformChange, ...] = ()
    """The rolling tags that its image would take from the image of another platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The existing images, by fingerprint and by cell, the newest last; and the image that each reference is on."""

    fingerprints: Mapping[str, Sequence[Existing]]
    cells: Mapping[str, Sequence[Existing]]
    holders: Mapping[str, Existing]
    published: Mapping[str, Existing] = field(default_factory=dict)
    """Images of registries by their fingerprint."""
    elsewhere: Mapping[str, Existing] = field(default_factory=dict)
    """Images of registries by their cell."""


def plan(
    wanted: Sequence[Wanted], existing: Iterable[Existing] | None, published: Iterable[Existing] = ()
) -> list[Decision]:
    """A decision for each wanted cell, in that order; without an engine `existing` is None.

    `published` is what registries hold: an image that is there, under its immutable tag, is not built.
    """
    remote = tuple(published)
    found = replace(
        index(existing or ()),
        published={one.fingerprint: one for one in remote if one.fingerprint},
        elsewhere={one.cell: one for one in remote},
    )
    decisions = [decide(one, found) for one in wanted]
    decisions = [
        decision if decision.action == "skip" else with_changes(decision, changed_platforms(one, found))
        for one, decision in zip(wanted, decisions, strict=True)
    ]
    if existing is None:
        return [replace(one, reasons=(NO_ENGINE,)) if one.action == "build" else one for one in decisions]
    return decisions


def index(existing: Iterable[Existing]) -> Index:
    """Sorts the images by time and digest, so that the answer does not depend on the engine's order."""
    fingerprints, cells = defaultdict[str, list[Existing]](list), defaultdict[str, list[Existing]](list)
    holders = {}
    for image in sorted(existing, key=lambda image: (image.created, image.digest)):
        fingerprints[image.fingerprint].append(image)
        cells[image.cell].append(image)
        holders.update(dict.fromkeys(image.references, image))
    return Index(fingerprints=dict(fingerprints), cells=dict(cells), holders=holders)


def decide(wanted: Wanted, found: Index) -> Decision:
    """Builds without an image of that fingerprint, verifies without a pass of these checks, tags without a tag."""
    image = chosen(wanted, found)
    if image is None and (there := found.published.get(wanted.fingerprint)):
        reason = f"published as {there.references[0]}"
        return replace(with_image(wanted, "skip", (reason,), there), published=there.references)
    if image is None:
        rebase = is_rebase_of(wanted, found)
        return Decision(name=wanted.name, action="build", reasons=why(wanted, found), rebase=rebase)
    if wanted.checks not in image.verified:
        reason = "checks changed" if image.verified else "built, and not verified on this host"
        return with_image(wanted, "re-verify", (reason,), image)
    missing = tuple(untagged(wanted, image, found))
    if missing or changed_platforms(wanted, found):
        return with_image(wanted, "re-tag", missing, image)
    return with_image(wanted, "skip", (UNCHANGED,), image)


def with_changes(decision: Decision, changed: Sequence[PlatformChange]) -> Decision:
    """The decision with these changes too, each as a reason."""
    reasons = (*decision.reasons, *map(str, changed))
    return replace(decision, reasons=reasons, platform_changes=(*decision.platform_changes, *changed))


def changed_platforms(wanted: Wanted, found: Index) -> list[PlatformChange]:
    """The rolling tags of the cell that are on the image of another platform."""
    references = (f"{wanted.tags.repository}:{tag}" for tag in wanted.tags.rolling)
    held = ((reference, found.holders[reference]) for reference in references if reference in found.holders)
    return [
        PlatformChange(reference=reference, digest=one.digest, before=one.platform, after=wanted.platform)
        for reference, one in held
        if one.platform not in ("", wanted.platform)
    ]


def with_image(wanted: Wanted, action: Action, reasons: tuple[str, ...], image: Existing) -> Decision:
    return Decision(name=wanted.name, action=action, reasons=reasons, image=image.digest, size=image.size)


def chosen(wanted: Wanted, found: Index) -> Existing | None:
    """The image with the wanted fingerprint: the one with the immutable tag, else a verified one, else the oldest.

    An image made `FROM` it inherits its labels and is younger, so the oldest is the build.
    """
    if not wanted.fingerprint:
        return None
    usable = [image for image in found.fingerprints.get(wanted.fingerprint, ()) if is_ours(image, wanted)]
    immutable = f"{wanted.tags.repository}:{wanted.tags.immutable}"
    rank = {
        image.digest: (immutable in image.references, wanted.checks in image.verified, bool(image.verified))
        for image in usable
    }
    return max(usable, key=lambda image: rank[image.digest], default=None)


def is_ours(image: Existing, wanted: Wanted) -> bool:
    """Whether a build made this image, rather than a `FROM` or `docker commit` that inherited the labels.

    A build leaves no tag, verification is remembered, and only verified images get an immutable tag.
    """
    known = not image.references or bool(image.verified)
    ending = f":{wanted.tags.immutable}"
    return image.at_epoch and (known or any(name.endswith(ending) for name in image.references))


def untagged(wanted: Wanted, image: Existing, found: Index) -> Iterable[str]:
    """A reason for each tag that the image lacks: the tag is missing, or on another image."""
    for reference in wanted.tags.references:
        holder = found.holders.get(reference)
        if holder is None:
            yield f"{reference} is missing"
        elif holder.digest != image.digest and holder.platform in ("", wanted.platform):
            yield f"{reference} is on {holder.digest[:19]}"


def why(wanted: Wanted, found: Index) -> tuple[str, ...]:
    """What changed since the newest image of the cell."""
    image = newest(wanted, found)
    if image is None:
        return (FIRST,) if wanted.inputs.base else (FIRST, "its base is not made yet")
    inputs, note = recorded(image)
    if inputs is None:
        return (f"{UNKNOWN} ({image.digest[:19]}: {note})",)
    if image.fingerprint == wanted.fingerprint:
        return (f"{image.digest[:19]} repeats the labels of a build and is none",)
    return changes(inputs, wanted.inputs)


def is_rebase_of(wanted: Wanted, found: Index) -> bool:
    """Whether a build would only put the newest image of the cell on another base."""
    image = newest(wanted, found)
    inputs = recorded(image)[0] if image else None
    return inputs is not None and is_rebase(inputs, wanted.inputs)


def newest(wanted: Wanted, found: Index) -> Existing | None:
    """The newest image of the cell on the engine, else in a registry, whatever its repository."""
    images = found.cells.get(wanted.name)
    return images[-1] if images else found.elsewhere.get(wanted.name)


def recorded(image: Existing) -> tuple[Inputs | None, str]:
    """The inputs in the image's label; without them a note that says why they are not known."""
    if image.label is None:
        return None, "it has no such label"
    try:
        return parse(image.label), ""
    except ValueError as error:
        return None, f"its label cannot be read: {error}"
