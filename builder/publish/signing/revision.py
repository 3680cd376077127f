"""What git and the CI say of the checkout that images are made from, and of the run that makes them."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from builder.errors import EngineError, InputError
from builder.host import process
from builder.host.command import Command
from builder.publish.signing.statements import LOCAL_BUILDER, Revision

SECONDS = 30
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
SCP_LIKE = re.compile(r"(?:[^@/:]+@)?([A-Za-z0-9.-]+):([^/].*)")


def revision(root: Path, environ: Mapping[str, str]) -> Revision | None:
    """The commit that is checked out, or None outside of git. Its address is the CI's, else that of `origin`.

    Raises InputError for a checkout of another user, of which git says nothing.
    """
    commit = git(root, "rev-parse", "HEAD")
    if not COMMIT.fullmatch(commit):
        return None
    named = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
    url = "/".join(one for one in named if one) if all(named) else git(root, "remote", "get-url", "origin")
    return Revision(
        commit=commit, is_dirty=bool(git(root, "status", "--porcelain", "--untracked-files=no")), url=address(url)
    )


def git(root: Path, *words: str) -> str:
    """What git prints; empty when it fails or is not installed. Raises InputError where it refuses the checkout."""
    try:
        done = process.run(Command(argv=("git", "-C", str(root), *words)), timeout=SECONDS)
    except EngineError:
        return ""
    if "dubious ownership" in done.stderr:
        hint = f"git config --global --add safe.directory {root.absolute()}"
        raise InputError(f"{root.absolute()}: another user owns it, so git does not say its commit", hint=hint)
    return done.stdout.strip() if done.exit_code == 0 else ""


def address(url: str) -> str:
    """A remote as an https or ssh address without a user; empty for a path of this machine."""
    if (found := SCP_LIKE.fullmatch(url)) and "://" not in url:
        return f"ssh://{found[1]}/{found[2]}"
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname or "")
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme in ("https", "http", "ssh") and host else ""


def builder_id(environ: Mapping[str, str]) -> str:
    """The builder as a URI: the workflow that runs, else a name for any machine."""
    server, workflow = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_WORKFLOW_REF")
    return f"{server}/{workflow}" if server and workflow else LOCAL_BUILDER


def run_id(environ: Mapping[str, str], digest: str, finished: datetime) -> str:
    """The run that built an image, as a URI: the CI's page of it, else a name that no other build has."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")
    server, repository, run, attempt = (environ.get(name, "") for name in names)
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}/attempts/{attempt or 1}"
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{digest} {finished.isoformat()}").urn
