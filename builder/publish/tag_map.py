"""Judges the tags that a registry has of a cell: where they point, what is attached, how old it is. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import immutable_tag, immutable_tags
from builder.publish.verdict import Verdict

HOURS = 48
"""Below so many, an age is said in hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One image in a registry: the fingerprint in its label, and a verdict on each thing that is attached."""

    digest: str
    fingerprint: str
    verdicts: tuple[Verdict, ...]
    verified: datetime | None
    """When its checks ended, as the trusted signer says; None without a report that counts."""
    checks: str = ""
    """The version of those checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One tag, present or missing, and its problems. `cell` is empty for a tag that no row has."""

    cell: str
    tag: str
    digest: str
    days: float | None
    problems: tuple[str, ...]


def tags_of(spec: ImageSpec, tags: Iterable[str]) -> tuple[str, ...]:
    """The tags of a repository that are this cell's, the immutable ones first."""
    found = sorted(tags)
    return (*immutable_tags(spec, found), *(tag for tag in spec.rolling_tags if tag in found))


def judge(
    spec: ImageSpec, live: Mapping[str, Live], *, now: datetime, max_age: timedelta | None, checks: str
) -> Iterator[Line]:
    """A line for each tag in `live`, and for each missing rolling tag; none for a cell that has no tag at all.

    `checks` is the version of today's, which the image of a rolling tag has to have passed.
    """
    rolling = spec.rolling_tags
    newest = max((one.verified for one in live.values() if one.verified), default=None)
    for tag, one in live.items():
        problems = [f"{verdict.item}: {verdict.text}" for verdict in one.verdicts if not verdict.passed]
        if tag in rolling:
            problems += misplaced(spec, one, live)
            problems += aged(one, newest, now, max_age)
            problems += stale(one, checks)
        elif tag != immutable_tag(spec, one.fingerprint):
            problems.append(f"it is on an image whose fingerprint is {one.fingerprint[:8] or 'missing'}")
        days = (now - one.verified) / timedelta(days=1) if one.verified else None
        yield Line(cell=cell(spec), tag=tag, digest=one.digest, days=days, problems=tuple(problems))
    for tag in rolling if live else ():
        if tag not in live:
            yield Line(cell=cell(spec), tag=tag, digest="", days=None, problems=("missing, though the cell is live",))


def orphaned(digests: Mapping[str, str | None]) -> Iterator[Line]:
    """A line for each rolling tag in `digests`, which no row of the matrix has."""
    problem = "no row of the matrix has this tag, so nothing moves it: delete it, or add the row"
    for tag, digest in digests.items():
        yield Line(cell="", tag=tag, digest=digest or "", days=None, problems=(problem,))


def misplaced(spec: ImageSpec, one: Live, live: Mapping[str, Live]) -> Iterator[str]:
    """The problems of a rolling tag's place. Its image needs the immutable tag and all other rolling tags, too."""
    immutable = immutable_tag(spec, one.fingerprint)
    if immutable not in live:
        yield f"no immutable tag {immutable} says what it is"
    elif live[immutable].digest != one.digest:
        yield f"{immutable} is on {live[immutable].digest[:19]}, it is on {one.digest[:19]}"
    digests = {live[tag].digest for tag in spec.rolling_tags if tag in live}
    if len(digests) > 1:
        yield f"the rolling tags are on {len(digests)} images: a set that moved half-way"


def aged(one: Live, newest: datetime | None, now: datetime, max_age: timedelta | None) -> Iterator[str]:
    """The problems of a rolling tag's age, which is the time since its image was last verified."""
    if one.verified is None:
        return  # that no report is there is said already
    if max_age is not None and now - one.verified > max_age:
        yield f"last verified {ago(now - one.verified)} ago, and {ago(max_age)} are allowed"
    if newest and one.verified < newest:
        yield f"left behind: an image of this cell was verified later, on {newest.isoformat()}"


def stale(one: Live, checks: str) -> Iterator[str]:
    """The problem of a rolling tag whose image passed other checks than those of today."""
    if one.verified and one.checks != checks:
        yield f"verified by the checks {one.checks[:12]}; those of today are {checks[:12]}"


def ago(time: timedelta) -> str:
    """The time in whole days, below two days in whole hours."""
    hours = int(time / timedelta(hours=1))
    return f"{hours} hours" if 0 < hours < HOURS else f"{time.days} days"
