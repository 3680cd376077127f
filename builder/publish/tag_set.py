"""Moves a set of tags of a repository, all or none, with a journal: no registry has an operation for that.

A run that dies between two tags leaves its journal. The next run on this host finishes the set, or restores the old
one.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import RegistryError
from builder.host.cache import OTHER_CACHE, SHAPE, cache_directory, recall, remember
from builder.publish.taken import assert_free
from builder.publish.transfer import Place
from builder.registry import manifests

Say = Callable[[str], None]
Digests = Mapping[str, str]
"""The digest for each tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSet:
    """The digest that each tag is to have. The immutable tags are set first, and never moved."""

    immutable: Digests
    rolling: Digests = field(default_factory=dict)

    @property
    def all(self) -> dict[str, str]:
        """Every tag in the order in which they are set."""
        return {**self.immutable, **self.rolling}


def move(place: Place, wanted: TagSet, say: Say) -> tuple[str, ...]:
    """Set every tag, and read all of them back. Returns the tags that moved; raises RegistryError.

    On an error or Ctrl-C it restores the tags that it has moved. Each image must already be in the repository under
    its digest.
    """
    assert_free(place, wanted.immutable)
    before = {tag: manifests.digest(place.connection, place.repository, tag) for tag in wanted.all}
    moving = tuple(tag for tag, digest in wanted.all.items() if before[tag] != digest)
    if not moving:
        return ()
    note(place, before, wanted.all)
    try:
        set_all(place, wanted.all, before)
    except BaseException:
        say(f"{place}: not every tag could be set: restoring the old ones")
        if restored(place, before, wanted.all):
            journal(place).unlink(missing_ok=True)
        raise
    journal(place).unlink(missing_ok=True)
    return moving


def note(place: Place, before: Mapping[str, str | None], after: Digests) -> None:
    """Write the journal. Raises RegistryError when that fails: without a journal a run that dies cannot be mended."""
    try:
        remember(journal(place), {"place": str(place), "before": before, "after": after})
    except OSError as error:
        what = f"{journal(place)}: {error.strerror}: no tag was moved, as the journal cannot be written"
        raise RegistryError(what, hint=OTHER_CACHE) from None


def set_all(place: Place, after: Digests, before: Mapping[str, str | None]) -> None:
    """Set each tag, then read all of them again. Raises RegistryError when another host moved one meanwhile."""
    for tag, digest in after.items():
        if before.get(tag) != digest:
            point(place, tag, digest)
    moved = {tag: manifests.digest(place.connection, place.repository, tag) for tag in after}
    if others := [
        f"{place}:{tag} is on {moved[tag]}, not on {after[tag]}" for tag in after if moved[tag] != after[tag]
    ]:
        raise RegistryError(
            "\n".join(["another push moved tags at the same time:", *others]), hint="repeat the command"
        )


def point(place: Place, tag: str, digest: str) -> None:
    found = manifests.manifest(place.connection, place.repository, digest)
    if found is None:
        raise RegistryError(f"{place}@{digest} is gone: {tag} cannot be set")
    manifests.put(place.connection, place.repository, tag, found.content, found.media_type)


def restored(place: Place, before: Mapping[str, str | None], after: Digests) -> bool:
    """Restore each tag that this run has set; False when one cannot be restored, and then the journal stays.

    A tag that was not there before is deleted, if the registry can. A tag that another push has set stays.
    """
    done = True
    for tag, old in reversed(tuple(before.items())):
        try:
            now = manifests.digest(place.connection, place.repository, tag)
            if now == old or now != after[tag]:
                continue
            if old is None:
                done &= manifests.delete(place.connection, place.repository, tag)
            else:
                point(place, tag, old)
        except RegistryError:
            done = False
    return done


def recover(place: Place, say: Say) -> None:
    """Finish the set of a run that died; restore the old tags when its images are gone. Raises RegistryError."""
    try:
        found = recall(journal(place))
        after = {str(tag): str(digest) for tag, digest in dict(found["after"]).items()} if found else {}
        before = {str(tag): digest and str(digest) for tag, digest in dict(found["before"]).items()} if found else {}
    except SHAPE:
        say(f"{journal(place)}: damaged, so it is ignored: the tags of {place} stay as they are")
        with suppress(OSError):
            journal(place).unlink()
        return
    if not found:
        return
    if all(manifests.digest(place.connection, place.repository, digest) for digest in after.values()):
        say(f"{place}: a run before this one ended between two tags: finishing it")
        now = {tag: manifests.digest(place.connection, place.repository, tag) for tag in after}
        others = {tag for tag in after if now[tag] not in (before.get(tag), after[tag])}
        set_all(place, {tag: digest for tag, digest in after.items() if tag not in others}, now)
    else:
        say(f"{place}: a run before this one ended between two tags, and its images are gone: restoring the old ones")
        restored(place, before, after)
    journal(place).unlink(missing_ok=True)


def journal(place: Place) -> Path:
    """The journal's file. It exists only while tags are being moved."""
    return cache_directory() / "tagsets" / f"{hashlib.sha256(str(place).encode()).hexdigest()[:16]}.json"
