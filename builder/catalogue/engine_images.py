"""Finds the image of each cell, on this engine or in a registry, and what is remembered of it: changes nothing."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from builder.build import history
from builder.build import tags as tagging
from builder.build.fingerprint import Inputs, parse
from builder.catalogue.image_info import BASE, FoundImage, Layer, Place, Verification
from builder.host import engine
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW, cell, immutable_tag, rolling_tags
from builder.matrix.promise import cell_in, promise_of
from builder.matrix.spec import ImageSpec
from builder.verify import passed

if TYPE_CHECKING:
    import docker

SHA256 = re.compile(r"[0-9a-f]{64}")
PADDED = re.compile(r"\[[^\]]*[0-9]+/[0-9]+\] ")
"""What BuildKit makes up for layers that the history of a base does not tell of: `[image 5/5] WORKDIR /home`."""
LABEL_BASE = "org.opencontainers.image.base.digest"
Say = Callable[[str], None]


def on_engine(
    client: "docker.DockerClient", cells: Sequence[ImageSpec], *, name: str | None = None, layers: bool = True
) -> dict[str, FoundImage]:
    """By cell the verified image that this engine has of it: the one that has its tags, else the newest.

    With `name`, the repository as `--repository` gives it, only images that have a tag there. The engine measures
    its layers when it is asked for them, which takes seconds for each image.
    """
    listed = [entry for entry in engine.images_with_label(client, LABEL_FINGERPRINT) if is_readable(entry)]
    found = {}
    for spec in cells:
        wanted = [restricted(entry, tagging.repository(spec, name) if name else None) for entry in listed]
        mine = [entry for entry in wanted if entry and cell_in(entry["Labels"]) == cell(spec)]
        if entry := max((one for one in mine if is_passed(spec, one)), key=lambda one: rank(spec, one), default=None):
            found[cell(spec)] = image(client, spec, entry, layers=layers)
    return found


def restricted(entry: dict[str, Any], repository: str | None) -> dict[str, Any] | None:
    """The entry with its tags in that repository only; None when it has none there."""
    if repository is None:
        return entry
    tags = [name for name in references(entry) if name.rpartition(":")[0] == repository]
    return {**entry, "RepoTags": tags} if tags else None


def is_readable(entry: Mapping[str, Any]) -> bool:
    """Whether the labels are such as a build makes, and not what somebody put in their place."""
    labels = entry.get("Labels") or {}
    base = str(labels.get(LABEL_BASE) or "").removeprefix("sha256:")
    return bool(SHA256.fullmatch(labels.get(LABEL_FINGERPRINT) or "") and SHA256.fullmatch(base))


def is_passed(spec: ImageSpec, entry: Mapping[str, Any]) -> bool:
    """Whether it passed its checks: that is remembered, or it has the immutable tag, which only those get."""
    return bool(passed.passed(entry["Id"])) or immutable(spec, entry) in tags_of(entry)


def immutable(spec: ImageSpec, entry: Mapping[str, Any]) -> str:
    return immutable_tag(spec, entry["Labels"][LABEL_FINGERPRINT])


def rank(spec: ImageSpec, entry: Mapping[str, Any]) -> tuple[object, ...]:
    """What decides between images of one cell: rolling tags, the moment it was made here, and the digest for a tie.

    The image's own date says nothing: every image has the same.
    """
    rolling = len(set(rolling_tags(spec)) & set(tags_of(entry)))
    made = history.past(cell(spec)).made.get(str(entry["Id"]), 0)
    return (rolling, made, str(entry["Id"]))


def tags_of(entry: Mapping[str, Any]) -> list[str]:
    return [name.rpartition(":")[2] for name in references(entry)]


def references(entry: Mapping[str, Any]) -> list[str]:
    return [name for name in entry.get("RepoTags") or () if "<none>" not in name]


def image(client: "docker.DockerClient", spec: ImageSpec, entry: Mapping[str, Any], *, layers: bool) -> FoundImage:
    """What the engine tells of an image."""
    digest = str(entry["Id"])
    described = engine.inspect(client, digest) or {}
    history = client.api.history(digest) if layers else []  # type: ignore[no-untyped-call]
    diffs = list((described.get("RootFS") or {}).get("Layers") or ())
    found = layers_of(diffs, history)
    sizes = [one.unpacked for one in found if one.unpacked is not None]
    return FoundImage(
        digest=digest,
        fingerprint=entry["Labels"][LABEL_FINGERPRINT],
        base=entry["Labels"][LABEL_BASE],
        architecture=str(described.get("Architecture") or "unknown"),
        is_current=entry["Labels"].get(LABEL_ROW) == promise_of(spec).to_label(),
        compressed=int(described.get("Size") or 0) or None,
        unpacked=sum(sizes) if found and len(sizes) == len(found) else None,
        layers=found,
        places=places(references(entry), is_registry=False),
        verification=verification(digest),
        sbom=None,
        inputs=inputs_in(entry["Labels"].get(LABEL_INPUTS)),
    )


def layers_of(diffs: Sequence[str], history: Sequence[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """The layers, the base first; what the history does not tell for certain is left open."""
    steps = [(str(step.get("CreatedBy") or ""), int(step.get("Size") or 0)) for step in reversed(history)]
    filled = [(text, size) for text, size in steps if size]
    if len(filled) != len(diffs):
        return tuple(Layer(digest=digest, made_by="") for digest in diffs)
    made_by = shifted([text for text, _ in filled])
    return tuple(
        Layer(digest=digest, made_by=text, unpacked=size)
        for digest, text, (_, size) in zip(diffs, made_by, filled, strict=True)
    )


def shifted(texts: Sequence[str]) -> list[str]:
    """The instructions by layer: those that BuildKit made up at the end stand for the base's at the beginning."""
    real = [text for text in texts if not PADDED.match(text)]
    return [BASE] * (len(texts) - len(real)) + real


def places(names: Iterable[str], *, is_registry: bool) -> tuple[Place, ...]:
    """The repositories of some references with a tag, and the tags in each."""
    by_repository: dict[str, list[str]] = {}
    for name in sorted(names):
        repository, _, tag = name.rpartition(":")
        by_repository.setdefault(repository, []).append(tag)
    return tuple(
        Place(repository=repository, is_registry=is_registry, tags=tuple(tags))
        for repository, tags in by_repository.items()
    )


def verification(digest: str) -> Verification | None:
    """The last verification of a digest that this host remembers."""
    remembered = [(one.get("when", ""), checks, one) for checks, one in passed.passed(digest).items()]
    if not remembered:
        return None
    when, checks, one = max(remembered, key=lambda entry: entry[:2])
    return Verification(when=when, summary=one.get("summary", ""), checks=checks)


def inputs_in(label: str | None) -> Inputs | None:
    """What an image's label says it was made from; None when it says nothing that can be read."""
    try:
        return parse(label or "")
    except ValueError:
        return None


def mapping(value: object) -> Mapping[str, Any]:
    """The value when it is a mapping, else an empty one: for documents that others wrote."""
    return value if isinstance(value, Mapping) else {}
