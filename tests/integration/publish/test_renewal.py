"""A night with nothing new: what was verified long ago is verified again, and keeps its digest and its tags."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builder.matrix.reference import Reference, parse
from builder.publish.signing import cosign, keys
from builder.publish.signing.cosign import Signer, Trust
from builder.publish.signing.statements import PROVENANCE, VERIFICATION
from tests.support.base_cache import own_cache
from tests.support.command_line import CommandResult
from tests.support.project import NewProject, Project
from tests.support.registries import Server, published
from tests.support.signing_keys import PASSWORD, make_key, restate

OLD = (datetime.now(UTC) - timedelta(days=20)).isoformat(timespec="seconds")


def said(reference: Reference, kind: str, keys: Path) -> dict[str, object]:
    (found,) = cosign.attested(reference, kind, Trust(key=str(keys / "mine.pub")))
    return found


def grown_old(reference: Reference, keys: Path, cache: Path) -> None:
    """As if all this had been twenty days ago: what is attached, and what this host remembers."""
    report = {**said(reference, VERIFICATION, keys), "finishedOn": OLD}
    restate(reference, {VERIFICATION: report}, Signer(key=str(keys / "mine.key")))
    file = cache / "verified" / f"{str(reference.digest).removeprefix('sha256:')}.json"
    content = json.loads(file.read_text("utf-8"))
    for one in content["passed"].values():
        one["when"] = OLD
    file.write_text(json.dumps(content), "utf-8")


def images(server: Server, repository: str) -> dict[str, str | None]:
    """The tags of images, and their digests; cosign has tags of its own."""
    found = published(server.host, repository)
    return {tag: digest for tag, digest in found.items() if not tag.startswith("sha256-")}


def gone(digest: str) -> None:
    """The engine does not have the image any more."""
    subprocess.run(["docker", "rmi", "--no-prune", "--force", digest], check=False, capture_output=True)


def test_a_quiet_night_renews_an_old_report(
    new_project: NewProject, server: Server, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keys.PASSWORD, PASSWORD)
    make_key(tmp_path, "mine")
    project = new_project()
    cache, env = own_cache(project)
    where, repository = f"{server.host}/{prefix}", f"{prefix}/{project.repository}"
    common = (f"--registry={where}", f"--repository={project.repository}", f"--site={project.site}")

    def night() -> CommandResult:
        done = project.run(
            "nightly", *common, "--log-dir=logs", "--attest", f"--sign-key={tmp_path / 'mine.key'}", env=env
        )
        assert done.code == 0, done.err
        return done

    def judged(project: Project) -> CommandResult:
        return project.run("verify-published", *common, f"--key={tmp_path / 'mine.pub'}", "--max-age=19d", env=env)

    night()
    tags = images(server, repository)
    reference = parse(f"{server.host}/{repository}@{tags['1.0-cpu']}")
    assert "it stays so" in night().err
    due = ("ci", "matrix", *common, "--renew-after=15d", f"--key={tmp_path / 'mine.pub'}", "--format=json")
    assert json.loads(project.run(*due, env=env).out)["jobs"] == []

    before = said(reference, PROVENANCE, tmp_path)
    grown_old(reference, tmp_path, cache)
    assert "19 days are allowed" in judged(project).out
    assert [one["cells"] for one in json.loads(project.run(*due, env=env).out)["jobs"]] == [[project.cell]]
    gone(str(reference.digest))
    try:
        renewed = night()
        assert "it is renewed" in renewed.err
        assert "building" not in renewed.err
        assert images(server, repository) == tags
        assert said(reference, VERIFICATION, tmp_path)["finishedOn"] > OLD  # type: ignore[operator]
        assert said(reference, PROVENANCE, tmp_path) == before
        assert judged(project).code == 0
    finally:
        gone(str(reference.digest))
