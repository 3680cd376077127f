"""What refers to an image: attestations and signatures, by the referrers API or by a fallback tag.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.errors import RegistryError, UnavailableError
from builder.host.pace import within
from builder.matrix.reference import DIGEST
from builder.registry import manifests
from builder.registry.answers import address, whole
from builder.registry.connection import ask, repeated
from builder.registry.descriptors import list_in, mapping, number
from builder.registry.manifests import MISSING, OCI_INDEX, OCI_MANIFEST, Manifest, parsed, pull
from builder.registry.session import Connection

Entries = list[dict[str, Any]]
WITHOUT_API = (400, 403, MISSING, 405, 501)
"""How registries without the API answer, each in its own way."""
MOST = 10_000
"""Referrers of one image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A manifest whose subject is an image."""

    digest: str
    size: int
    media_type: str
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


def fallback_tag(digest: str) -> str:
    """The tag `sha256-<hex>`, which names the list of referrers where the registry has no API for it."""
    return digest.replace(":", "-")


def referrers(connection: Connection, repository: str, digest: str) -> tuple[Referrer, ...]:
    """What refers to the digest, from the API and the fallback tag; raises RegistryError."""
    found = {
        one.digest: one for one in (*by_api(connection, repository, digest), *by_tag(connection, repository, digest))
    }
    return tuple(found[name] for name in sorted(found))


def by_api(connection: Connection, repository: str, digest: str) -> tuple[Referrer, ...]:
    """What the registry's API lists, on all its pages; nothing where it has no API."""
    found: dict[str, Referrer] = {}
    path: str | None = f"{repository}/referrers/{digest}"
    with within(connection.policy.deadline):
        while path:
            more, path = page(connection, repository, path)
            is_more = not found.keys() >= {one.digest for one in more}
            found.update({one.digest: one for one in more})
            if len(found) > MOST or (path and not is_more):
                raise RegistryError(f"{connection.host}/{repository}: its list of referrers does not end")
    return tuple(found.values())


def page(connection: Connection, repository: str, path: str) -> tuple[tuple[Referrer, ...], str | None]:
    """One page of referrers, and where the next one is."""
    answer = ask(connection, "GET", path, scope=pull(repository), expected=(200, *WITHOUT_API))
    content = whole(connection, answer)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    # A registry without the API may answer with a page for people.
    if answer.status_code != 200 or kind != OCI_INDEX:  # noqa: PLR2004
        return (), None
    following = answer.links.get("next", {}).get("url")
    return listed(content, path), following and address(connection, answer.url, following)


def by_tag(connection: Connection, repository: str, digest: str) -> tuple[Referrer, ...]:
    found = manifests.manifest(connection, repository, fallback_tag(digest))
    return listed(found.content, fallback_tag(digest)) if found and found.media_type == OCI_INDEX else ()


def listed(content: bytes, what: str) -> tuple[Referrer, ...]:
    """The entries of an index that are descriptors."""
    entries = list_in(parsed(content, what), "manifests")
    return tuple(referrer(one) for one in entries if isinstance(one, dict) and DIGEST.fullmatch(str(one.get("digest"))))


def referrer(entry: Mapping[str, Any]) -> Referrer:
    return Referrer(
        digest=str(entry["digest"]),
        size=number(entry.get("size")),
        media_type=str(entry.get("mediaType") or OCI_MANIFEST),
        artifact_type=str(entry.get("artifactType") or ""),
        annotations={str(key): str(value) for key, value in mapping(entry.get("annotations")).items()},
    )


def attach(connection: Connection, repository: str, content: bytes) -> Manifest:
    """Store a manifest with a subject, and list it among the subject's referrers; its blobs must be there before.

    Safe to repeat. Raises RegistryError, also when the manifest names no subject.
    """
    document = parsed(content, "an attestation")
    subject = str((document.get("subject") or {}).get("digest"))
    if not DIGEST.fullmatch(subject):
        raise RegistryError("the manifest names no subject, so it cannot be attached to an image")
    made = manifests.put(connection, repository, manifests.digest_of(content), content, OCI_MANIFEST)
    if not made.subject_known:
        enlist(connection, repository, subject, entry_of(made, document))
    return made


def entry_of(made: Manifest, document: Mapping[str, Any]) -> dict[str, Any]:
    """The descriptor of a referrer, as an index lists it."""
    kind = document.get("artifactType") or (document.get("config") or {}).get("mediaType")
    entry = {"mediaType": made.media_type, "digest": made.digest, "size": len(made.content), "artifactType": kind}
    return {**entry, **({"annotations": found} if (found := document.get("annotations")) else {})}


def enlist(connection: Connection, repository: str, subject: str, entry: Mapping[str, Any]) -> None:
    """Add an entry to the list that the fallback tag names; raises RegistryError."""
    revise(
        connection,
        repository,
        subject,
        lambda found: found if any(one.get("digest") == entry["digest"] for one in found) else [*found, dict(entry)],
    )


def detach(connection: Connection, repository: str, subject: str, digest: str) -> None:
    """Take a manifest off its subject's referrers, and delete it where the registry can; raises RegistryError."""
    revise(connection, repository, subject, lambda found: [one for one in found if one.get("digest") != digest])
    manifests.delete(connection, repository, digest)


def revise(connection: Connection, repository: str, subject: str, change: Callable[[Entries], Entries]) -> None:
    """Change the list that the fallback tag names; raises RegistryError.

    Others write the list too, and the last writer wins. So the list is read again after each attempt.
    """

    def entries() -> Entries:
        found = manifests.read(connection, repository, fallback_tag(subject))
        listed = list_in(found.document, "manifests") if found and found.media_type == OCI_INDEX else []
        return [one for one in listed if isinstance(one, dict)]

    def is_changed(found: Entries) -> bool:
        return change(found) == found

    def attempt() -> bool:
        if is_changed(before := entries()):
            return True
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": change(before)}).encode()
        made = Manifest(digest=manifests.digest_of(index), media_type=OCI_INDEX, content=index)
        manifests.store_once(connection, repository, fallback_tag(subject), made)
        if not is_changed(entries()):
            raise UnavailableError(f"{connection.host}/{repository}: others change the list of {subject} all the time")
        return True

    repeated(connection, attempt, lambda: is_changed(entries()) or None)
