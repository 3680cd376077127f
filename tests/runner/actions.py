"""Stand-ins for the actions that the workflows use; any other is refused.

Each raises ActionError where the action would fail, also for a permission that the job lacks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.runner.expressions import RefusedError
from tests.runner.machine import PROGRAMS, Machine, check_out, copied
from tests.runner.workflow import Texts


class ActionError(Exception):
    """An action failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job runs."""

    machine: Machine
    workspace: Path
    programs: Path
    permissions: Texts

    def needs(self, name: str, *levels: str) -> None:
        if self.permissions.get(name, "none") not in levels:
            raise ActionError(f"the job has no permission {name}: {' or '.join(levels)}")


def checkout(place: Place, given: Texts) -> None:
    only(given, "persist-credentials")
    place.needs("contents", "read", "write")
    check_out(place.machine, place.workspace)


def install_cosign(place: Place, given: Texts) -> None:
    only(given, "cosign-release")
    (place.programs / "cosign").symlink_to(PROGRAMS / "cosign")


def upload(place: Place, given: Texts) -> None:
    only(given, "name", "path", "if-no-files-found")
    missing = copied(given["path"], place.workspace, place.machine.artifacts / given["name"])
    if missing and given.get("if-no-files-found") != "ignore":
        raise ActionError(f"no such files: {missing}")


def download(place: Place, given: Texts) -> None:
    only(given, "name", "path")
    if copied(given["name"], place.machine.artifacts, Path(given["path"])):
        raise ActionError(f"no artifact {given['name']}")


def upload_pages(place: Place, given: Texts) -> None:
    only(given, "path")
    upload(place, {"name": "github-pages", "path": given["path"]})


def deploy_pages(place: Place, given: Texts) -> None:
    only(given)
    place.needs("pages", "write")
    place.needs("id-token", "write")
    if not place.machine.has_pages:
        raise ActionError("Pages is off")
    copied("github-pages", place.machine.artifacts, place.machine.pages)


ACTIONS: Mapping[str, Callable[[Place, Texts], None]] = {
    "actions/checkout": checkout,
    "actions/deploy-pages": deploy_pages,
    "actions/download-artifact": download,
    "actions/upload-artifact": upload,
    "actions/upload-pages-artifact": upload_pages,
    "sigstore/cosign-installer": install_cosign,
}


def act(action: str, place: Place, given: Texts) -> None:
    if action not in ACTIONS:
        raise RefusedError(f"{action}: no stand-in of this action is known")
    ACTIONS[action](place, given)


def only(given: Texts, *names: str) -> None:
    if unknown := sorted(given.keys() - set(names)):
        raise RefusedError(f"with: what is {', '.join(unknown)}?")
