"""Reads the host: its site file, pip's configuration, the CA variables."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from builder.host.files import expanded
from builder.host.limits import REGISTRY_SECONDS
from builder.host.pip_config import settings
from builder.host.site import Site, load, site_file


def load_site(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    insecure: Sequence[str] = (),
    registry_seconds: float = REGISTRY_SECONDS,
) -> Site:
    """The site of this machine: `--site`, BUILDER_SITE, ./site.yaml, or the host's own settings. Raises InputError.

    `insecure` are more registries that are spoken to without encryption; `registry_seconds` is for one operation.
    """
    site = load(site_file(path, environ), host_settings(environ))
    return replace(site, insecure_registries=(*site.insecure_registries, *insecure), registry_seconds=registry_seconds)


def host_settings(environ: Mapping[str, str] = os.environ) -> Site:
    """The settings of pip and of the CA variables on this machine. pip need not be installed, and no process runs."""
    return settings({str(file): text(file) for file in pip_files(environ)}, environ)


def text(file: Path) -> str:
    """The text of a file; empty when it is absent or unreadable."""
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def pip_files(environ: Mapping[str, str]) -> list[Path]:
    """The files that pip reads on Linux, in its order: global, user, this Python's, and PIP_CONFIG_FILE.

    https://pip.pypa.io/en/stable/topics/configuration/#location
    """
    named, home = environ.get("PIP_CONFIG_FILE"), expanded("~")
    if named == os.devnull:
        return []
    shared = [Path(one, "pip", "pip.conf") for one in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)]
    own = [home / ".pip" / "pip.conf", Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")]
    if named and os.access(named, os.F_OK):
        own = []
    return [*shared, Path("/etc/pip.conf"), *own, Path(sys.prefix, "pip.conf"), *([Path(named)] if named else [])]
