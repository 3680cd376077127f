"""The only place that makes tags. A tag is made once, from what an image is, and carried as a value to the end."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from builder.matrix.spec import ImageSpec
from builder.matrix.version import components, short

DEFAULT_REPOSITORY = "{framework}"


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


def versions(spec: ImageSpec) -> tuple[str, ...]:
    """The version's forms in rolling tags: `1.6`, `1.6.0`, and `latest` for the newest."""
    parts = components(spec.version)
    minor = () if len(parts) < 3 else (short(spec.version, 2),)  # noqa: PLR2004 (a third part)
    return (*minor, spec.version, *(("latest",) if spec.is_latest else ()))


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


def tags_of(spec: ImageSpec, repository: str, fingerprint: str) -> Tags:
    """The tags of the cell's image with that fingerprint, which is empty where it is not known."""
    immutable = immutable_tag(spec, fingerprint) if fingerprint else ""
    return Tags(repository=repository, immutable=immutable, rolling=rolling_tags(spec))


def repository_of(framework: str, name: str | None) -> str:
    """The images' name without a tag: the framework, or what `--repository` says."""
    return (name or DEFAULT_REPOSITORY).replace("{framework}", framework)


def immutable_tag(spec: ImageSpec, fingerprint: str) -> str:
    """The tag that names everything, for example `1.6.0-gpu-cuda10.1-cudnn7-py3.6-ubuntu16.04-0123abcd`."""
    return joined(spec.version, *(part.exact(spec) for part in PARTS), fingerprint[:8])


def rolling_tags(spec: ImageSpec) -> tuple[str, ...]:
    """The tags that move, for example `1.6-gpu-ubuntu16.04` and, on the default platform, `1.6-gpu`."""
    return with_parts(spec, versions(spec))


def own_tag(spec: ImageSpec) -> str:
    """The rolling tag that no other cell ever has, for example `1.6.0-gpu-ubuntu16.04`."""
    return with_parts(spec, (spec.version,))[0]


def with_parts(spec: ImageSpec, heads: tuple[str, ...]) -> tuple[str, ...]:
    """Rolling tags of the cell that begin with each of `heads`; those with every part come first."""
    # Reversed, so that the heads vary fastest.
    choices = product(*(part.rolling(spec) for part in reversed(PARTS)), heads)
    return tuple(joined(*reversed(choice)) for choice in choices)


def joined(*parts: str) -> str:
    return "-".join(part for part in parts if part)
