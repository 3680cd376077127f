"""Manifests and tags of a registry by the OCI distribution API. Every digest is computed here, never believed.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md

    with connected("localhost:5000") as connection:
        found = manifests.manifest(connection, "team/pytorch", "1.6-gpu")   # None when there is none
        manifests.put(connection, "team/pytorch", "1.6-gpu", found.content, found.media_type)
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from builder.errors import RegistryError
from builder.host.foreign_json import foreign_json
from builder.host.pace import within
from builder.matrix.reference import DIGEST, TAG
from builder.registry.answers import address, whole
from builder.registry.connection import ask, once, repeated
from builder.registry.descriptors import list_in
from builder.registry.session import Connection

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
KINDS = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
ACCEPT = {"Accept": ", ".join(KINDS)}
MISSING = 404
PAGES = 1000
MOST_TAGS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest or index as the registry holds it; `digest` is of these very bytes."""

    digest: str
    media_type: str
    content: bytes = field(repr=False)
    subject_known: bool = False
    """Whether the registry said that it lists the manifest among its subject's referrers."""

    @property
    def document(self) -> dict[str, Any]:
        """The parsed content; raises RegistryError when it is no JSON object."""
        return parsed(self.content, self.digest)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def parsed(content: bytes, what: str) -> dict[str, Any]:
    """A JSON object that a registry sent; raises RegistryError."""
    try:
        found = foreign_json(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RegistryError(f"{what}: it is no JSON object")
    return found


def pull(repository: str) -> str:
    """The scope of reading a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """The scope of writing to a repository."""
    return f"repository:{repository}:pull,push"


def digest(connection: Connection, repository: str, version: str) -> str | None:
    """The digest that a tag or digest names, or None, by one HEAD request. Raises RegistryError."""
    return repeated(connection, lambda: digest_once(connection, repository, version))


def digest_once(connection: Connection, repository: str, version: str) -> str | None:
    """The same without another attempt: for what is repeated as a whole."""
    path = f"{repository}/manifests/{version}"
    answer = once(connection, "HEAD", path, scope=pull(repository), headers=ACCEPT, expected=(200, MISSING))
    said = answer.headers.get("Docker-Content-Digest", "")
    answer.close()
    if answer.status_code == MISSING:
        return None
    if not DIGEST.fullmatch(said):
        # Some registries send no such header: then the content says it.
        found = read(connection, repository, version)
        return found.digest if found else None
    if DIGEST.fullmatch(version) and said != version:
        raise lie(connection, repository, version, said)
    return said


def manifest(connection: Connection, repository: str, version: str) -> Manifest | None:
    """The manifest that a tag or digest names, or None; raises RegistryError when its digest is another."""
    return repeated(connection, lambda: read(connection, repository, version))


def read(connection: Connection, repository: str, version: str) -> Manifest | None:
    path = f"{repository}/manifests/{version}"
    answer = once(connection, "GET", path, scope=pull(repository), headers=ACCEPT, expected=(200, MISSING))
    if answer.status_code == MISSING:
        answer.close()
        return None
    content = whole(connection, answer)
    found = digest_of(content)
    said = answer.headers.get("Docker-Content-Digest") or found
    wanted = version if DIGEST.fullmatch(version) else said
    if wanted != found:
        raise lie(connection, repository, wanted, found)
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return Manifest(digest=found, media_type=kind, content=content)


def lie(connection: Connection, repository: str, wanted: str, found: str) -> RegistryError:
    return RegistryError(
        f"{connection.host}/{repository}: what it gives as {wanted} is {found}",
        hint=f"do not use that image; tell who runs {connection.host}, or a proxy before it",
    )


def put(connection: Connection, repository: str, version: str, content: bytes, media_type: str) -> Manifest:
    """Store a manifest as `store` does, and read back that it is there; raises RegistryError."""
    done = store(connection, repository, version, content, media_type)
    if (found := manifest(connection, repository, version)) is None or found.digest != done.digest:
        raise lie(connection, repository, f"{version} ({done.digest})", found.digest if found else "missing")
    return done


def store(connection: Connection, repository: str, version: str, content: bytes, media_type: str) -> Manifest:
    """Store a manifest under its digest or a tag; its blobs must be there before.

    Safe to repeat. After an error that may pass, the registry is asked whether it has the manifest.
    Raises RegistryError.
    """
    made = Manifest(digest=digest_of(content), media_type=media_type, content=content)
    if DIGEST.fullmatch(version) and version != made.digest:
        raise RegistryError(f"{repository}: {version} cannot be the name of {made.digest}")

    def settled() -> Manifest | None:
        return made if digest_once(connection, repository, version) == made.digest else None

    return repeated(connection, lambda: store_once(connection, repository, version, made), settled)


def store_once(connection: Connection, repository: str, version: str, made: Manifest) -> Manifest:
    """Store a manifest by one request: for what is repeated as a whole. Raises RegistryError."""
    answer = once(
        connection,
        "PUT",
        f"{repository}/manifests/{version}",
        scope=push(repository),
        headers={"Content-Type": made.media_type},
        body=made.content,
        expected=(200, 201, 202),
    )
    answer.close()
    return replace(made, subject_known=answer.headers.get("OCI-Subject", "") != "")


def delete(connection: Connection, repository: str, version: str) -> bool:
    """Delete a manifest by digest, or a tag where the registry can; False when it refuses."""
    path = f"{repository}/manifests/{version}"
    scope = f"repository:{repository}:delete,pull"
    answer = ask(connection, "DELETE", path, scope=scope, expected=(200, 202, 400, 401, 403, MISSING, 405, 501))
    answer.close()
    return answer.status_code in (200, 202, MISSING)


def tags(connection: Connection, repository: str) -> tuple[str, ...]:
    """The tags of a repository, sorted; none when the repository is missing. Raises RegistryError."""
    found = set[str]()
    path: str | None = f"{repository}/tags/list?n={PAGES}"
    with within(connection.policy.deadline):
        while path:
            names, path = page(connection, repository, path)
            is_more = not found.issuperset(names)
            found.update(names)
            if len(found) > MOST_TAGS or (path and not is_more):
                raise RegistryError(f"{connection.host}/{repository}: its list of tags does not end")
    return tuple(sorted(found))


def page(connection: Connection, repository: str, path: str) -> tuple[list[str], str | None]:
    """One page of tags, and where the next one is."""
    answer = ask(connection, "GET", path, scope=pull(repository), expected=(200, MISSING))
    if answer.status_code == MISSING:
        answer.close()
        return [], None
    document = parsed(whole(connection, answer), f"{connection.host}/{repository}")
    following = answer.links.get("next", {}).get("url")
    names = [tag for tag in list_in(document, "tags") if isinstance(tag, str) and TAG.fullmatch(tag)]
    return names, following and address(connection, answer.url, following)
