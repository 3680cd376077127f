"""Attaches signed layers to an image in a registry: under cosign's tags, and each as a referrer of OCI 1.1.

cosign reads the tags. Other clients, such as `oras discover`, list the referrers: by the registry's API, or by the
fallback tag where it has none. https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from builder.errors import RegistryError, UnavailableError
from builder.host.pace import within
from builder.matrix.reference import Reference
from builder.publish.signing.envelopes import DSSE, PREDICATE_TYPE, SIMPLE_SIGNING, SignedLayer
from builder.publish.signing.statements import CYCLONEDX, PROVENANCE
from builder.registry import blobs, manifests, referrers
from builder.registry.descriptors import list_in, mapping
from builder.registry.manifests import OCI_MANIFEST, Manifest, digest_of
from builder.registry.referrers import Referrer
from builder.registry.session import Connection

CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
SIGNATURE_ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json"
STATEMENT_ARTIFACT = "application/vnd.in-toto+dsse"
NAMED_ARTIFACTS = {
    CYCLONEDX: "application/vnd.in-toto.cyclonedx+dsse",
    PROVENANCE: "application/vnd.in-toto.provenance+dsse",
}
"""https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md names them so."""
STATED = "in-toto.io/predicate-type"
MOST_LAYERS = 1000
"""As many as cosign reads."""
NEVER = "0001-01-01T00:00:00Z"
Layer = dict[str, Any]
Say = Callable[[str], None]


def attach(connection: Connection, reference: Reference, layers: Sequence[SignedLayer], say: Say) -> None:
    """Attach the layers; a statement replaces earlier ones of its type, a signature stands beside others.

    A registry that takes no referrers is no reason to fail: cosign's tags are what proves. Raises RegistryError. Safe
    to repeat.
    """
    repository, digest = reference.repository, str(reference.digest)
    with within(connection.policy.deadline):
        subject = manifests.manifest(connection, repository, digest)
        if subject is None:
            hint = f"python -m builder push --registry {reference.registry}"
            raise RegistryError(f"{reference}: the registry has no such image", hint=hint)
        entries: list[Layer] = []
        for ending, media_type in (("sig", SIMPLE_SIGNING), ("att", DSSE)):
            added = [one for one in layers if one.media_type == media_type]
            entries += tagged(connection, repository, f"{referrers.fallback_tag(digest)}.{ending}", added)
        if why := refusal(connection, repository, subject, entries):
            say(f"{reference}: cosign finds what is attached, other clients do not list it: {why}")


def refusal(connection: Connection, repository: str, subject: Manifest, layers: Sequence[Layer]) -> str:
    """List the layers among the image's referrers; returns why the registry does not take that, else nothing."""
    try:
        refer(connection, repository, subject, layers)
    except UnavailableError:
        raise
    except RegistryError as error:
        return error.message
    return ""


def tagged(connection: Connection, repository: str, tag: str, added: Sequence[SignedLayer]) -> list[Layer]:
    """The layers under cosign's tag, once those that are added are among them."""
    found = manifests.manifest(connection, repository, tag)
    kept = [one for one in list_in(found.document, "layers") if isinstance(one, dict)] if found else []
    if not added:
        return kept
    kinds = {one.annotations.get(PREDICATE_TYPE) for one in added} - {None}
    layers = [one for one in kept if mapping(one.get("annotations")).get(PREDICATE_TYPE) not in kinds]
    layers += [stored(connection, repository, one) for one in added]
    if len(layers) > MOST_LAYERS:
        raise RegistryError(
            f"{connection.host}/{repository}:{tag}: more than {MOST_LAYERS} attachments, which none reads"
        )
    config = json.dumps(configuration(layers), sort_keys=True).encode()
    document = {"config": blob(connection, repository, config, CONFIG), "layers": layers}
    manifests.put(connection, repository, tag, written(document), OCI_MANIFEST)
    return layers


def configuration(layers: Iterable[Layer]) -> Layer:
    """The configuration of an image that is no image: cosign compares the digests of its layers."""
    rootfs = {"type": "layers", "diff_ids": [one.get("digest") for one in layers]}
    return {"architecture": "", "os": "", "created": NEVER, "config": {}, "history": [], "rootfs": rootfs}


def stored(connection: Connection, repository: str, layer: SignedLayer) -> Layer:
    described = blob(connection, repository, layer.content, layer.media_type)
    return {**described, "annotations": dict(layer.annotations)}


def blob(connection: Connection, repository: str, content: bytes, media_type: str) -> Layer:
    """The descriptor of a blob, which is uploaded unless it is there."""
    digest = digest_of(content)
    blobs.put(connection, repository, digest, content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def refer(connection: Connection, repository: str, subject: Manifest, layers: Sequence[Layer]) -> None:
    """List each layer among the image's referrers, and drop the statements of ours that they replaced."""
    blob(connection, repository, EMPTY, EMPTY_TYPE)
    wanted = {digest_of(content): content for content in (referring(subject, one) for one in layers)}
    there = {one.digest: one for one in referrers.referrers(connection, repository, subject.digest)}
    for digest, content in wanted.items():
        if digest not in there:
            referrers.attach(connection, repository, content)
    drop_replaced(connection, repository, subject.digest, there.values(), set(wanted))


def drop_replaced(
    connection: Connection, repository: str, subject: str, there: Iterable[Referrer], wanted: set[str]
) -> None:
    """Take the statements off the image's referrers that are not wanted any more; what others attached stays."""
    ours = {STATEMENT_ARTIFACT, *NAMED_ARTIFACTS.values()}
    for one in there:
        if one.digest not in wanted and one.artifact_type in ours and STATED in one.annotations:
            referrers.detach(connection, repository, subject, one.digest)


def referring(subject: Manifest, layer: Layer) -> bytes:
    """The manifest of one attachment: the same bytes for the same layer."""
    stated = mapping(layer.get("annotations")).get(PREDICATE_TYPE)
    kind = NAMED_ARTIFACTS.get(str(stated), STATEMENT_ARTIFACT) if stated else SIGNATURE_ARTIFACT
    document: Layer = {
        "artifactType": kind,
        # cosign's own clients look for the type of a signature there.
        "config": {"mediaType": EMPTY_TYPE if stated else kind, "digest": digest_of(EMPTY), "size": len(EMPTY)},
        "layers": [layer],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.content)},
    }
    return written({**document, "annotations": {STATED: stated}} if stated else document)


def written(document: Layer) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, **document}, sort_keys=True).encode()
