"""What is published has to prove itself: the gates of `promote` and `push`, and reports that count for nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from builder.matrix.reference import parse
from builder.publish.setback import FLAG
from builder.publish.signing import cosign
from builder.publish.signing.cosign import Signer, Trust
from builder.publish.signing.keys import PASSWORD as VARIABLE
from builder.publish.signing.statements import VERIFICATION
from builder.registry.connection import connected
from tests.support.command_line import CommandResult
from tests.support.project import NewProject, Project
from tests.support.push import push_command
from tests.support.registries import Server, published
from tests.support.signing_keys import PASSWORD, make_key, restate
from tests.support.tampering import move, with_layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A project with an attested image in a staging repository, and the keys of its signer and of another."""

    project: Project
    host: str
    prefix: str
    keys: Path

    @property
    def staging(self) -> str:
        return f"{self.prefix}/{self.project.repository}"

    @property
    def trust(self) -> str:
        return f"--key={self.keys / 'mine.pub'}"

    @property
    def elsewhere(self) -> Mapping[str, str]:
        """The environment of a host that has verified nothing."""
        return {"XDG_CACHE_HOME": str(self.keys / "elsewhere")}

    def attested(self) -> str:
        """Build, push and attest the project's image; returns its digest."""
        assert self.project.build().code == 0
        signed = ("--attest", f"--sign-key={self.keys / 'mine.key'}")
        done = self.project.run(
            *push_command(self.project, f"{self.host}/{self.prefix}"), *signed, env={VARIABLE: PASSWORD}
        )
        assert done.code == 0, done.err
        return self.project.tags()["1.0-cpu"]

    def run(
        self, verb: str, *words: str, env: Mapping[str, str] | None = None, site: Path | None = None
    ) -> CommandResult:
        flags = (f"--site={site or self.project.site}", f"--repository={self.project.repository}")
        return self.project.run(verb, *words, *flags, env=env)

    def promote(self, version: str, *words: str, site: Path | None = None) -> CommandResult:
        """On a host that has verified nothing."""
        source = f"{self.host}/{self.staging}{'@' if version.startswith('sha256:') else ':'}{version}"
        to = f"--registry={self.host}/{self.prefix}-public"
        return self.run("promote", source, to, *words, env=self.elsewhere, site=site)

    def public(self) -> dict[str, str | None]:
        """The tags of images in the public repository."""
        found = published(self.host, f"{self.prefix}-public/{self.project.repository}")
        return {tag: digest for tag, digest in found.items() if not tag.startswith("sha256-")}


@pytest.fixture
def stage(new_project: NewProject, server: Server, prefix: str, tmp_path: Path) -> Stage:
    for name in ("mine", "other"):
        make_key(tmp_path, name)
    return Stage(project=new_project(), host=server.host, prefix=prefix, keys=tmp_path)


def refused(done: CommandResult, *words: str, code: int = 1) -> None:
    assert done.code == code, done.out + done.err
    for one in words:
        assert one in done.err, done.err


def test_only_what_the_trusted_signer_vouches_for_is_promoted(stage: Stage) -> None:
    digest = stage.attested()
    refused(stage.promote("1.0-cpu"), "not verified", "nobody says whose signature counts")
    other = f"--key={stage.keys / 'other.pub'}"
    refused(stage.promote("1.0-cpu", other), "signature: it is signed by another key", "verification:")
    refused(stage.promote("1.0-cpu", "--key=no-such.pub"), "no such file", code=2)
    refused(stage.promote("1.0-cpu", f"--key={stage.keys / 'mine.key'}"), "no public key", code=2)

    with connected(stage.host) as connection:
        evil = with_layer(connection, stage.staging, digest)
        for tag in published(stage.host, stage.staging):
            if not tag.startswith("sha256-"):
                move(connection, stage.staging, tag, evil)
    assert stage.public() == {}
    refused(stage.promote("1.0-cpu", stage.trust), "signature: nobody has signed it", "no SBOM is attached")
    site = stage.keys / "site.yaml"
    own = yaml.safe_load(stage.project.site.read_text("utf-8"))
    site.write_text(yaml.safe_dump({**own, "trust": {"key": "mine.pub"}}), "utf-8")
    refused(stage.promote("1.0-cpu", site=site), "signature: nobody has signed it")
    assert stage.public() == {}

    planned = stage.promote(digest, "--dry-run", site=site)
    assert planned.code == 0, planned.err
    assert planned.out.count(" new ") == len(stage.project.tags())
    assert stage.public() == {}
    done = stage.promote(digest, site=site)
    assert done.code == 0, done.err
    assert stage.public() == stage.project.tags()

    # Somebody moves the immutable tag there.
    immutable = next(tag for tag in stage.project.tags() if "py3" in tag)
    public = f"{stage.prefix}-public/{stage.project.repository}"
    for created, words in (
        (None, "the trusted signer does not vouch for sha256:"),
        ("2026-01-01T00:00:00Z", "it was changed after its build"),
    ):
        with connected(stage.host) as connection:
            move(connection, public, immutable, with_layer(connection, public, digest, created=created))
        tampered = stage.promote(digest, site=site)
        refused(tampered, f"{immutable} is already on sha256:", words, "try: do not use it")
        judged = stage.run(
            "verify-published", f"--registry={stage.host}/{stage.prefix}-public", stage.trust, "--format=github"
        )
        assert judged.code == 1
        assert f"{immutable}::signature: nobody has signed it" in judged.out
        assert all(line.startswith("::error title=") for line in judged.out.splitlines())


def test_a_rolling_tag_goes_back_to_an_older_build_by_the_flag_alone(stage: Stage) -> None:
    first = stage.attested()
    assert stage.promote("1.0-cpu", stage.trust).code == 0
    stage.project.template("RUN true")
    second = stage.attested()
    assert stage.promote("1.0-cpu", stage.trust).code == 0
    before = stage.public()
    assert before["1.0-cpu"] == second

    told = f"not without {FLAG}: {stage.host}/{stage.prefix}-public/{stage.project.repository}:1.0-cpu would go back"
    refused(
        stage.promote(first, stage.trust),
        told,
        "to an older build, verified on",
        f"try: the same command with {FLAG} moves it",
    )
    planned = stage.promote(first, stage.trust, "--dry-run")
    refused(planned, told)
    assert " moves " in planned.out
    assert stage.public() == before
    done = stage.promote(first, stage.trust, FLAG)
    assert done.code == 0, done.err
    assert "would go back to an older build" in done.err
    assert stage.public()["1.0-cpu"] == first


def test_reports_of_others_and_of_the_future_count_for_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    digest = stage.attested()
    where = f"--registry={stage.host}/{stage.prefix}"
    reference = parse(f"{stage.host}/{stage.staging}@{digest}")

    def due(*words: str) -> list[str]:
        done = stage.run("ci", "matrix", "--all", where, "--renew-after=15d", "--format=json", *words)
        assert done.code == 0, done.err
        return [one for job in json.loads(done.out)["jobs"] for one in job["cells"]]

    def told(*words: str) -> object:
        done = stage.run("image-info", "--version=1", where, *words, env=stage.elsewhere)
        assert done.code == 0, done.err
        return json.loads(done.out)["images"][0]["image"]["verified"]

    assert due(stage.trust) == []
    assert due(f"--key={stage.keys / 'other.pub'}") == [stage.project.cell]
    refused(stage.run("ci", "matrix", "--all", where, "--renew-after=15d"), "whose signature counts?", code=2)
    assert told(stage.trust)
    assert told() is None
    assert told(f"--key={stage.keys / 'other.pub'}") is None

    (report,) = cosign.attested(reference, VERIFICATION, Trust(key=str(stage.keys / "mine.pub")))
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    restate(reference, {VERIFICATION: {**report, "finishedOn": tomorrow}}, Signer(key=str(stage.keys / "mine.key")))
    assert due(stage.trust) == [stage.project.cell]
    assert told(stage.trust) is None
    audited = stage.project.run("audit", str(reference), stage.trust, f"--site={stage.project.site}")
    assert audited.code == 1
    assert "which is in the future" in audited.out
    live = stage.run("verify-published", "--all", where, stage.trust, "--format=json")
    assert live.code == 1
    assert all("in the future" in " ".join(one["problems"]) for one in json.loads(live.out)["tags"])
    refused(stage.promote("1.0-cpu", stage.trust), "which is in the future")
