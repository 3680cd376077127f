"""A registry of OCI 1.1 in this process, with the referrers API that docker-registry 2.8 lacks; it keeps text only.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from builder.registry.manifests import OCI_INDEX, digest_of
from tests.support.scripted_registry import Answer, scripted

ROUTE = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>blobs/uploads|blobs|manifests|referrers|tags)/(?P<rest>[^/]*)$")
PAGE = 3
"""Referrers on one page of the list."""


@dataclass(slots=True)
class ReferrersRegistry:
    """What the registry has, of all repositories together."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """The media type and content, by digest."""
    tags: dict[str, str] = field(default_factory=dict)
    refuses: bool = False
    """Whether it takes no manifest with a subject, as some registries before OCI 1.1."""

    def script(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(path)
        found = ROUTE.fullmatch(parts.path)
        if found is None:
            return 200, {}, b"{}"
        rest, body = found["rest"], headers["body"].encode()
        answers: dict[str, Callable[[], Answer]] = {
            "blobs/uploads": lambda: self.uploaded(method, parts.path, parse_qs(parts.query), body),
            "blobs": lambda: (200, {}, self.blobs[rest]) if rest in self.blobs else (404, {}, b""),
            "tags": lambda: (200, {}, json.dumps({"tags": sorted(self.tags)}).encode()),
            "referrers": lambda: self.listed(parts.path, rest, int(parse_qs(parts.query).get("from", ["0"])[0])),
            "manifests": lambda: (
                self.put(rest, headers["Content-Type"], body)
                if method == "PUT"
                else self.manifest(method, self.tags.get(rest, rest))
            ),
        }
        return answers[found["kind"]]()

    def uploaded(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        if method == "POST":
            return 202, {"Location": f"{path}one"}, b""
        self.blobs[query["digest"][0]] = body
        return 201, {}, b""

    def manifest(self, method: str, digest: str) -> Answer:
        if digest not in self.manifests:
            return 404, {}, b""
        if method == "DELETE":
            del self.manifests[digest]
            return 202, {}, b""
        media_type, content = self.manifests[digest]
        return 200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, content

    def put(self, name: str, media_type: str, content: bytes) -> Answer:
        digest = digest_of(content)
        if self.refuses and "subject" in json.loads(content):
            return 400, {}, b""
        self.manifests[digest] = media_type, content
        if name != digest:
            self.tags[name] = digest
        subject = json.loads(content).get("subject")
        return 201, {"OCI-Subject": subject["digest"]} if subject else {}, b""

    def listed(self, path: str, subject: str, start: int) -> Answer:
        """A page of what refers to a digest, with the types and annotations that the specification asks for."""
        entries: list[dict[str, Any]] = []
        for digest, (media_type, content) in self.manifests.items():
            document = json.loads(content)
            if document.get("subject", {}).get("digest") == subject:
                kind = document.get("artifactType") or document["config"]["mediaType"]
                entry = {"mediaType": media_type, "digest": digest, "size": len(content), "artifactType": kind}
                entries.append({**entry, "annotations": document.get("annotations", {})})
        end = start + PAGE
        following = {"Link": f'<{path}?from={end}>; rel="next"'} if end < len(entries) else {}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[start:end]}
        return 200, {"Content-Type": OCI_INDEX, **following}, json.dumps(index).encode()


@contextmanager
def referrers_registry() -> Iterator[tuple[str, ReferrersRegistry]]:
    """The host of such a registry, and what it has."""
    found = ReferrersRegistry()
    with scripted(found.script) as host:
        yield host, found
