"""Names of images in registries. Grammar: https://github.com/distribution/reference/blob/main/reference.go."""

import re
from dataclasses import dataclass

from builder.errors import InputError

DOCKER_HUB = "docker.io"
HUB_HOSTS = ("docker.io", "index.docker.io", "registry-1.docker.io")
HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:]{2,39}\])(?::[0-9]{1,5})?")
PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{PART}(?:/{PART})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LONGEST = 255
"""Of host and repository together, as the engine has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image in a registry, by tag, by digest, or by both: then the digest decides."""

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """The repository with its registry, as it is given to docker."""
        return f"{self.host}/{self.repository}"

    @property
    def registry(self) -> "Registry":
        """Where it would be pushed to under the last part of its name."""
        return Registry(host=self.host, prefix=self.repository.rpartition("/")[0])

    @property
    def version(self) -> str:
        """The name of the manifest in the repository: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where images are pushed to: a host, and a prefix of every repository."""

    host: str
    prefix: str = ""

    def reference(self, repository: str, tag: str | None = None, digest: str | None = None) -> Reference:
        """The image of that name there; raises InputError when no registry takes the name."""
        path = "/".join(part for part in (self.prefix, repository) if part)
        return parse(f"{self.host}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""))

    def __str__(self) -> str:
        return "/".join(part for part in (self.host, self.prefix) if part)


def names_host(text: str) -> bool:
    """Whether the name begins with a registry; without one docker means Docker Hub, where nothing of ours is."""
    first, slash, _ = text.partition("/")
    return bool(slash) and is_host(first)


def parse(text: str) -> Reference:
    """The reference in `text`, with docker's defaults for what is left out; raises InputError."""
    rest, at, digest = text.partition("@")
    first, slash, path = rest.partition("/")
    host, path = (first, path) if slash and is_host(first) else (DOCKER_HUB, rest)
    folder, last, name = path.rpartition("/")
    name, colon, tag = name.partition(":")
    path = f"{folder}{last}{name}"
    if host in HUB_HOSTS:
        host, path = DOCKER_HUB, path if folder else f"library/{path}"
    is_name = HOST.fullmatch(host) and REPOSITORY.fullmatch(path) and len(host) + len(path) < LONGEST
    if not is_name or (colon and not TAG.fullmatch(tag)) or (at and not DIGEST.fullmatch(digest)):
        raise InputError(f"{shown(text)} is no image: expected HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:...")
    return Reference(host=host, repository=path, tag=tag or None, digest=digest or None)


def parse_registry(text: str) -> Registry:
    """The registry that `--registry HOST[/PREFIX]` names; raises InputError."""
    host, _, prefix = text.partition("/")
    if not is_host(host) or not HOST.fullmatch(host) or (prefix and not REPOSITORY.fullmatch(prefix)):
        raise InputError(
            f"{shown(text)} is no registry: expected HOST[:PORT][/PREFIX], without a scheme and in small letters",
            hint="for example --registry ghcr.io/OWNER, or --registry localhost:5000",
        )
    return Registry(host=DOCKER_HUB if host in HUB_HOSTS else host, prefix=prefix)


def repository_and_tag(name: str) -> tuple[str, str]:
    """The two parts of a name as an engine lists it: `pytorch:1.6-gpu`; each is empty where it is missing."""
    repository, _, tag = name.rpartition(":")
    return (name, "") if "/" in tag else (repository, tag)


def is_host(text: str) -> bool:
    """Whether the first part of a name is a registry's: it has a dot or a port, or is localhost."""
    return "." in text or ":" in text or text == "localhost"


def shown(text: str) -> str:
    """The text for an error message: on one line, and without a possible password."""
    return repr(re.sub(r"//[^/@\s]*@", "//***@", text)[:200])
