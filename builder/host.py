"""Reads the host: its site file, pip's configuration, the CA variables."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from builder import process
from builder.command import Command
from builder.errors import EngineError
from builder.pipconfig import HostSettings, settings
from builder.site import Site, load, site_file

PIP_SECONDS = 30


def load_site(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Site:
    """The site of this machine: `--site`, BUILDER_SITE, ./site.yaml, or the host's own settings. Raises InputError."""
    return load(site_file(path, environ), host_settings(environ))


def site_of_plans(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Site:
    """The site without pip's own settings, which take a process to ask for and count in no fingerprint."""
    return load(site_file(path, environ), settings("", environ))


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
