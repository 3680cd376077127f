"""In-toto statements about an image: its provenance, its verification and its contents.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and https://slsa.dev/spec/v1.0/provenance.
All pure: the times in them are those of the facts they are made from.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from builder import __version__
from builder.build.fingerprint import Inputs
from builder.dependencies.lockfile import name_of
from builder.matrix.names import cell
from builder.matrix.promise import Promise
from builder.matrix.spec import Distribution, ImageSpec
from builder.verify.report import Verification

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
VERIFICATION = "urn:framework-images:verification:v1"
CYCLONEDX = "https://cyclonedx.org/bom"
BUILD_TYPE = "urn:framework-images:build:v1"
BUILD_TYPE_PAGE = "builder/publish/signing/build-type-v1.md"
LOCAL_BUILDER = "urn:framework-images:local"
"""The builder when nobody names one: a run on somebody's machine, which is SLSA build level 1 at most."""
Predicate = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """The checkout that the matrix and the templates came from."""

    commit: str
    is_dirty: bool
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The build that made an image, as it was recorded when it ended."""

    id: str
    started: datetime
    finished: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrigin:
    """Everything an image was made from, and by whom."""

    spec: ImageSpec
    promise: Promise
    inputs: Inputs
    fingerprint: str
    distributions: tuple[Distribution, ...]
    lock_sha256: str
    revision: Revision | None
    builder: str = LOCAL_BUILDER
    invocation: Invocation | None = None
    """None where the image was built on another host."""


def statement(name: str, digest: str, predicate_type: str, predicate: Mapping[str, Any]) -> Predicate:
    """The statement that the predicate holds for the image of that digest."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": digest_set(digest)}],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def provenance(origin: BuildOrigin) -> Predicate:
    """The SLSA provenance: no secret, no path and no mirror of the host where it was built."""
    return {
        "buildDefinition": {
            "buildType": build_type(origin.revision),
            "externalParameters": {"cell": cell(origin.spec), "row": origin.promise.document()},
            "internalParameters": {
                "fingerprint": origin.fingerprint,
                "platform": origin.inputs.platform,
                "layers": origin.inputs.layers,
                "files": dict(sorted(origin.inputs.files.items())),
            },
            "resolvedDependencies": [
                *bases(origin),
                *stages(origin.inputs),
                *sources(origin),
                lock(name_of(origin.spec), origin.lock_sha256, origin.distributions),
                *checkout(origin.revision),
            ],
        },
        "runDetails": {
            "builder": {"id": origin.builder, "version": {"framework-images": __version__}},
            **metadata(origin.invocation),
        },
    }


def build_type(revision: Revision | None) -> str:
    """The page about such builds where the project is; a URN where nobody says where that is."""
    url = revision.url if revision else ""
    page = re.sub(r"^ssh://([^/:]+)(:[0-9]+)?/", r"https://\1/", url).rstrip("/").removesuffix(".git")
    return f"{page}/blob/HEAD/{BUILD_TYPE_PAGE}" if page else BUILD_TYPE


def is_build_type(said: object) -> bool:
    """Whether a provenance names such builds, wherever the project was."""
    return said == BUILD_TYPE or str(said).endswith(f"/{BUILD_TYPE_PAGE}")


def metadata(invocation: Invocation | None) -> Predicate:
    """The run of the build and its times, where they are known."""
    if invocation is None:
        return {}
    times = {"startedOn": invocation.started, "finishedOn": invocation.finished}
    said = {name: when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for name, when in times.items()}
    return {"metadata": {"invocationId": invocation.id, **said}}


def bases(origin: BuildOrigin) -> Iterable[Predicate]:
    """The base, and the toolchain base when it is another one. Only a pulled base has an address."""
    platform, inputs = origin.spec.platform, origin.inputs
    is_pulled = inputs.base == platform.base_digest
    where = {"uri": f"docker-image://{platform.base_image}@{inputs.base}"} if is_pulled else {}
    made = {"annotations": {"made": "pulled" if is_pulled else "bootstrapped"}}
    yield {"name": "base", **where, "digest": digest_set(inputs.base), **made}
    if inputs.toolchain != inputs.base:
        yield {
            "name": "toolchain-base",
            "digest": digest_set(inputs.toolchain),
            "annotations": {"made": "bootstrapped"},
        }


def stages(inputs: Inputs) -> Iterable[Predicate]:
    """What the site supplies in place of a stage, with a hash over its names, modes and contents."""
    for name, sha256 in sorted(inputs.stages.items()):
        yield {"name": f"stage:{name}", "digest": {"sha256": sha256}, "annotations": {"made": "supplied by the site"}}


def sources(origin: BuildOrigin) -> Iterable[Predicate]:
    """The archives that were downloaded and compiled, unless the site supplied what they become."""
    for source in origin.spec.sources:
        if source.name.rsplit("-", 1)[0] not in origin.inputs.stages:
            yield {"name": source.name, "uri": source.url, "digest": {"sha256": source.sha256}}


def lock(name: str, sha256: str, distributions: Sequence[Distribution]) -> Predicate:
    """The lock; its annotations are the number of distributions of the cell, and one hash over them."""
    lines = "".join(f"{one.name} {one.version} {one.file} {one.sha256}\n" for one in distributions)
    closure = hashlib.sha256(lines.encode()).hexdigest()
    annotations = {"distributions": len(distributions), "closure-sha256": closure}
    return {"name": name, "digest": {"sha256": sha256}, "annotations": annotations}


def checkout(revision: Revision | None) -> Iterable[Predicate]:
    if revision:
        where = {"uri": f"git+{revision.url}@{revision.commit}"} if revision.url else {}
        yield {
            "name": "source",
            **where,
            "digest": {"gitCommit": revision.commit},
            "annotations": {"dirty": revision.is_dirty},
        }


def digest_set(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}


def verification(passed: Verification, *, digest: str, promise: Promise) -> Predicate:
    """The report of the checks: those that passed, and those that were not run, with the reason."""
    return {
        "verifier": {"id": "urn:framework-images", "version": __version__},
        "digest": digest,
        "row": promise.document(),
        "checks": {"version": passed.checks},
        "result": "PASSED",
        "finishedOn": passed.when,
        "measured": dict(sorted(passed.measured.items())),
        "passed": [one.name for one in passed.results if one.outcome == "passed"],
        "notChecked": [
            {"name": one.name, "reason": one.message} for one in passed.results if one.outcome == "not-checked"
        ],
    }


def text(document: Mapping[str, Any]) -> str:
    """The document as JSON, in the one form that is signed and compared."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
