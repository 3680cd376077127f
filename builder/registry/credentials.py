"""The user's own logins: docker's config.json, its credential helpers, and DOCKER_AUTH_CONFIG."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import InputError

VARIABLE = "DOCKER_AUTH_CONFIG"
"""The content of a config.json: https://docs.docker.com/reference/cli/docker/#environment-variables."""

CERTIFICATES = Path("/etc/docker/certs.d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user with a password, or a token; nothing of it is ever shown."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """An identity token, which is exchanged for others; user and password are then empty."""


def certificate(host: str, bundle: Path | None) -> Path | None:
    """The certificates that are trusted for a registry: docker's for that host, else the site's bundle."""
    return next(iter(sorted((CERTIFICATES / host).glob("*.crt"))), bundle)


def login(host: str, environ: Mapping[str, str] = os.environ) -> Login | None:
    """The login for a registry, or None; the environment comes first. Raises InputError, without a secret in it."""
    import docker.auth
    from docker.errors import DockerException

    try:
        said = json.loads(environ.get(VARIABLE) or "{}")
        found = docker.auth.load_config(config_dict={"auths": said["auths"]}).resolve_authconfig(host) if said else None
    except (DockerException, ValueError, AttributeError, TypeError, KeyError):
        raise InputError(f"${VARIABLE} cannot be read: expected the content of docker's config.json") from None
    try:
        return typed(found or docker.auth.load_config().resolve_authconfig(host))
    except (DockerException, ValueError, AttributeError, TypeError) as error:
        what = f"docker's logins cannot be read for {host} ({type(error).__name__})"
        raise InputError(what, hint=f"docker login {host}; or correct ~/.docker/config.json") from None


def typed(entry: Mapping[str, str] | None) -> Login | None:
    """The login in an entry of docker's files and helpers, which spell the keys in two ways; None for an empty one."""
    values = {key.lower(): value or "" for key, value in (entry or {}).items()}
    found = Login(
        user=values.get("username", ""),
        password=values.get("password", ""),
        token=values.get("identitytoken", ""),
    )
    return found if found.token or found.user else None
