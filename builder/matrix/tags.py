"""The only place that makes tags. A tag is made once, from what an image is, and carried as a value to the end."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from packaging.version import Version

from builder.matrix.promise import Promise
from builder.matrix.spec import DEVICES, ImageSpec
from builder.matrix.version import is_final, order, short

DEFAULT_REPOSITORY = "{framework}"
LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The tags of one image in a repository, which has no registry before it."""

    repository: str
    immutable: str
    """Never moved; empty while the fingerprint is not known."""
    rolling: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Every tag in the order in which they are set."""
        return (*((self.immutable,) if self.immutable else ()), *self.rolling)

    @property
    def references(self) -> tuple[str, ...]:
        """Every tag with the repository before it, as an engine lists them."""
        return tuple(f"{self.repository}:{tag}" for tag in self.all)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedPin:
    """A pin that immutable tags name, and how many parts of its version: `cuda10.1`."""

    pin: str
    prefix: str
    count: int


TAGGED_PINS = (
    TaggedPin(pin="cuda", prefix="cuda", count=2),
    TaggedPin(pin="cudnn", prefix="cudnn", count=1),
    TaggedPin(pin="python", prefix="py", count=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of every tag after the version; a further axis of the matrix is one more part in `PARTS`."""

    exact: Callable[[ImageSpec], str]
    """What an immutable tag says."""
    rolling: Callable[[ImageSpec], tuple[str, ...]]
    """What rolling tags say, each in a tag of its own; an empty text adds nothing."""


def pins(spec: ImageSpec) -> str:
    """The versions of the tagged pins: `cuda10.1-cudnn7-py3.6`."""
    found = ((one, spec.pin(one.pin)) for one in TAGGED_PINS)
    return "-".join(one.prefix + short(pin.value, one.count) for one, pin in found if pin)


def platforms(spec: ImageSpec) -> tuple[str, ...]:
    """The platform by name, and nothing where it is the default."""
    return (spec.platform.name, *(("",) if spec.is_default_platform else ()))


PARTS = (
    Part(exact=lambda spec: spec.device, rolling=lambda spec: (spec.device,)),
    Part(exact=pins, rolling=lambda _: ("",)),
    Part(exact=lambda spec: spec.platform.name, rolling=platforms),
)
ROLLING = re.compile(rf"(?:{LATEST}|[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?)(?:[-_.].*)?")
"""What people take for a version, or for the newest one, whatever is said after it."""
FINGERPRINT_DIGITS, KEY_DIGITS = 8, 12
FIXED = re.compile(rf"[^-]+-(?:{'|'.join(DEVICES)})-.+-(?:[0-9a-f]{{{FINGERPRINT_DIGITS}}}|[0-9a-f]{{{KEY_DIGITS}}})")
"""Immutable and derived tags."""


def tags_of(spec: ImageSpec, repository: str, fingerprint: str) -> Tags:
    """The tags of the cell's image with that fingerprint, which is empty where it is not known."""
    immutable = immutable_tag(spec, fingerprint) if fingerprint else ""
    return Tags(repository=repository, immutable=immutable, rolling=spec.rolling_tags)


def repository_of(framework: str, name: str | None) -> str:
    """The images' name without a tag: the framework, or what `--repository` says."""
    return (name or DEFAULT_REPOSITORY).replace("{framework}", framework)


def by_repository(cells: Iterable[ImageSpec], name: str | None) -> dict[str, list[ImageSpec]]:
    """The cells by the repository of their images; `name` is what `--repository` says."""
    found: dict[str, list[ImageSpec]] = {}
    for spec in cells:
        found.setdefault(repository_of(spec.framework, name), []).append(spec)
    return found


def immutable_tag(spec: ImageSpec, fingerprint: str) -> str:
    """The tag that names everything, for example `1.6.0-gpu-cuda10.1-cudnn7-py3.6-ubuntu16.04-0123abcd`."""
    return joined(spec.version, *(part.exact(spec) for part in PARTS), fingerprint[:FINGERPRINT_DIGITS])


def immutable_tags(spec: ImageSpec, tags: Iterable[str]) -> list[str]:
    """Those of the tags that are immutable tags of the cell, whatever the fingerprint."""
    head = re.escape(immutable_tag(spec, ""))
    return [tag for tag in tags if re.fullmatch(f"{head}-[0-9a-f]{{{FINGERPRINT_DIGITS}}}", tag)]


def names_fingerprint(tag: str, fingerprint: str) -> bool:
    """Whether the tag ends as the immutable tag of an image with that fingerprint does."""
    return tag.endswith(f"-{fingerprint[:FINGERPRINT_DIGITS]}")


def derived_tag(base: Promise, key: str) -> str:
    """The tag of an image that is derived from another, for example `1.6.0-gpu-debian12-0123456789ab`."""
    return joined(base.version, base.device, base.platform, key[:KEY_DIGITS])


def is_rolling(tag: str) -> bool:
    """Whether people may take a tag for one that moves, of whatever matrix; immutable and derived ones are none."""
    return ROLLING.fullmatch(tag) is not None and FIXED.fullmatch(tag) is None


def orphans(tags: Iterable[str], cells: Iterable[ImageSpec]) -> list[str]:
    """The rolling tags of a repository that none of these cells holds: nothing moves them any more."""
    held = {tag for spec in cells for tag in spec.rolling_tags}
    return sorted(tag for tag in tags if is_rolling(tag) and tag not in held)


def may_be_tagged(spec: ImageSpec, immutable: str, tag: str) -> bool:
    """Whether an image of the cell may have the tag, whatever the default platform and the newer releases are.

    That is unknown only of a tag that has no form of ours, which anybody may give.
    """
    if not (is_rolling(tag) or FIXED.fullmatch(tag)):
        return True
    return tag in (immutable, *claims(replace(spec, is_default_platform=True)))


def own_tag(spec: ImageSpec) -> str:
    """The rolling tag that no other cell ever has, for example `1.6.0-gpu-ubuntu16.04`."""
    return with_parts(spec, (spec.version,))[0]


def with_rolling_tags(cells: Sequence[ImageSpec]) -> tuple[ImageSpec, ...]:
    """The cells with the rolling tags that each holds, for example `1.6-gpu-ubuntu16.04` and `1.6-gpu`.

    Several releases may have a claim to `1.9-cpu` or `latest-cpu`. The newest final one holds it, of those that have
    the device and the platform. A tag with the whole version is of its own row only.
    """
    newest = dict[tuple[str, str], Version]()
    for spec in cells:
        for tag in claims(spec):
            key, version = (spec.framework, tag), order(spec.version)
            newest[key] = max(version, newest.get(key, version))
    return tuple(holding(spec, newest) for spec in cells)


def holding(spec: ImageSpec, newest: Mapping[tuple[str, str], Version]) -> ImageSpec:
    """The cell with those of its claims that no newer version has, and its own tags in any case."""
    own, version = with_parts(spec, (spec.version,)), order(spec.version)
    held = tuple(tag for tag in claims(spec) if tag in own or newest[spec.framework, tag] == version)
    return replace(spec, rolling_tags=held, is_latest=any(tag in held for tag in with_parts(spec, (LATEST,))))


def claims(spec: ImageSpec) -> tuple[str, ...]:
    """The rolling tags that the cell would have if its release were the only one: a final one's minor and `latest`."""
    shared = (short(spec.version, 2), spec.version, LATEST) if is_final(spec.version) else (spec.version,)
    return with_parts(spec, tuple(dict.fromkeys(shared)))


def with_parts(spec: ImageSpec, heads: tuple[str, ...]) -> tuple[str, ...]:
    """Rolling tags of the cell that begin with each of `heads`; those with every part come first."""
    # Reversed, so that the heads vary fastest.
    choices = product(*(part.rolling(spec) for part in reversed(PARTS)), heads)
    return tuple(joined(*reversed(choice)) for choice in choices)


def joined(*parts: str) -> str:
    return "-".join(part for part in parts if part)
