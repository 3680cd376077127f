"""Reads the host: its site file, pip's configuration, the CA variables."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from builder import process
from builder.command import Command
from builder.errors import EngineError
from builder.pipconfig import HostSettings, settings
from builder.site import Site, load, site_file

PIP_SECONDS = 30


def load_site(
    path: Path | None = None, environ: Mapping[str, str] = os.environ, *, insecure: Sequence[str] = ()
) -> Site:
    """The site of this machine: `--site`, BUILDER_SITE, ./site.yaml, or the host's own settings. Raises InputError.

    `insecure` are registries that are spoken to without encryption, besides those that the site names.
    """
    return also_insecure(load(site_file(path, environ), host_settings(environ)), insecure)


def site_of_plans(
    path: Path | None = None, environ: Mapping[str, str] = os.environ, *, insecure: Sequence[str] = ()
) -> Site:
    """The site without pip's own settings, which take a process to ask for and count in no fingerprint."""
    return also_insecure(load(site_file(path, environ), settings("", environ)), insecure)


def also_insecure(site: Site, hosts: Sequence[str]) -> Site:
    return replace(site, insecure_registries=(*site.insecure_registries, *hosts))


def host_settings(environ: Mapping[str, str] = os.environ) -> HostSettings:
    """What pip and the CA variables of this machine say."""
    return settings(pip_config(), environ)


def pip_config() -> str:
    """The output of `pip config list`; empty when this Python has no pip."""
    command = Command(argv=(sys.executable, "-m", "pip", "config", "list"))
    try:
        result = process.run(command, timeout=PIP_SECONDS)
    except EngineError:
        return ""
    return result.stdout if result.exit_code == 0 else ""
