"""What an image carries besides itself, against a real engine, a real registry and a throw-away key."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.matrix.reference import Reference, parse
from builder.publish.signing import cosign, keys, statements
from tests.support.command_line import ROOT, CommandResult, builder
from tests.support.project import REPOSITORY
from tests.support.registries import registry
from tests.support.signing_keys import PASSWORD, make_key, restate


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """An image in a registry of this module, attested with a throw-away key."""

    image: str
    digest: str
    host: str
    keys: Path
    scratch: Path
    said: CommandResult

    def run(self, *argv: str, cwd: Path = ROOT) -> CommandResult:
        return builder(*argv, cwd=cwd, scratch=self.scratch, env={keys.PASSWORD: PASSWORD})

    def audit(self, image: str, *more: str, key: str = "mine.pub") -> CommandResult:
        return self.run("audit", image, f"--key={self.keys / key}", *more)

    def copy(self, name: str) -> Reference:
        """The same image under another name, where nothing is attached to it."""
        push(self.digest, f"{self.host}/{name}:1")
        return parse(f"{self.host}/{name}@{self.digest}")


def push(digest: str, name: str) -> None:
    for command in (["docker", "tag", digest, name], ["docker", "push", "--quiet", name]):
        subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["docker", "rmi", "--no-prune", name], check=True, capture_output=True)


@pytest.fixture(scope="module")
def attested(built_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attested]:
    directory = tmp_path_factory.mktemp("attested")
    for name in ("mine", "other"):
        make_key(directory, name)
    with registry(directory / "registry") as server:
        image = f"{server.host}/scikit-learn:1"
        push(built_image, image)
        scratch = directory / "tmp"
        key = directory / "mine.key"
        done = builder("attest", image, f"--sign-key={key}", cwd=ROOT, scratch=scratch, env={keys.PASSWORD: PASSWORD})
        assert done.code == 0, done.err
        yield Attested(image=image, digest=built_image, host=server.host, keys=directory, scratch=scratch, said=done)
    assert not list(scratch.iterdir()), "a temporary file was left"


def test_what_was_attested_is_in_order(attested: Attested) -> None:
    done = attested.audit(attested.image)
    assert done.code == 0, done.out + done.err
    assert "signed by key sha256:" in done.out
    assert done.out.endswith("in order\n")
    assert PASSWORD not in attested.said.err + attested.said.out + done.out + done.err


def test_attesting_again_replaces_and_adds_nothing(attested: Attested) -> None:
    before = layers(attested)
    again = attested.run("attest", attested.image, f"--sign-key={attested.keys / 'mine.key'}")
    assert again.code == 0, again.err
    assert layers(attested) == before == {"sig": 1, "att": 3}


def layers(attested: Attested) -> dict[str, int]:
    """How many entries the signatures and the statements of the image have, by cosign's own tags."""
    name = attested.digest.replace(":", "-")
    found = {}
    for kind in ("sig", "att"):
        url = f"http://{attested.host}/v2/scikit-learn/manifests/{name}.{kind}"
        accept = "Accept: application/vnd.oci.image.manifest.v1+json"
        answer = subprocess.run(["curl", "-sf", "-H", accept, url], capture_output=True, check=True).stdout
        found[kind] = len(json.loads(answer)["layers"])
    return found


def test_the_signature_of_another_key_does_not_count(attested: Attested) -> None:
    done = attested.audit(attested.image, "--format=json", key="other.pub")
    assert done.code == 1
    items = {one["item"]: one for one in json.loads(done.out)["images"][0]["items"]}
    assert [name for name, one in items.items() if one["passed"]] == ["row"]
    assert "another key" in items["signature"]["text"]


def test_an_image_that_nobody_attested_lacks_everything(attested: Attested) -> None:
    done = attested.audit(str(attested.copy("bare")))
    assert done.code == 1
    for words in ("nobody has signed it", "no provenance is", "no SBOM is", "no verification report is"):
        assert words in done.out
    assert "not in order: signature, provenance, verification, sbom" in done.out


def test_an_sbom_that_is_not_what_the_image_holds(attested: Attested, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.PASSWORD, PASSWORD)
    reference = attested.copy("tampered")
    document = json.loads(attested.run("sbom", attested.digest).out)
    document["components"] = [one for one in document["components"] if one["name"] != "scikit-learn"]
    restate(reference, {statements.CYCLONEDX: document}, cosign.Signer(key=str(attested.keys / "mine.key")))
    done = attested.audit(str(reference))
    assert done.code == 1
    assert "scikit-learn" in done.out
    assert "is in the image, and not stated" in done.out


def test_a_matrix_and_checks_that_moved_on_are_named(attested: Attested, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    (tmp_path / "templates" / "scikit-learn" / "test_more.py").write_text("def test_more() -> None: ...\n")
    matrix = (ROOT / "matrix.yaml").read_text("utf-8")
    promised = json.loads(label(attested.digest))["pins"]["scikit-learn"]["value"]
    (tmp_path / "matrix.yaml").write_text(matrix.replace(f'scikit-learn: "{promised}"', 'scikit-learn: "1.9.2"'))
    done = attested.run("audit", attested.image, f"--key={attested.keys / 'mine.pub'}", cwd=tmp_path)
    assert done.code == 1
    assert f"scikit-learn {promised} → 1.9.2" in done.out
    assert "those of today are" in done.out
    assert "not in order: row, verification" in done.out


def label(digest: str) -> str:
    form = '{{index .Config.Labels "framework-images.row"}}'
    return subprocess.run(
        ["docker", "image", "inspect", digest, "--format", form], capture_output=True, text=True, check=True
    ).stdout


def test_an_image_that_is_not_ours_is_told_so(attested: Attested, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nLABEL a={secrets.token_hex(4)}\nCOPY Dockerfile /\n")
    name = f"{attested.host}/foreign:1"
    subprocess.run(["docker", "build", "--quiet", "--tag", name, str(tmp_path)], check=True, capture_output=True)
    try:
        subprocess.run(["docker", "push", "--quiet", name], check=True, capture_output=True)
        done = attested.audit(name)
        refused = attested.run("attest", name, f"--sign-key={attested.keys / 'mine.key'}")
    finally:
        subprocess.run(["docker", "rmi", "--no-prune", name], check=True, capture_output=True)
    assert done.code == 1
    assert "it has no label framework-images.row" in done.out
    assert refused.code == 2
    assert "it has no label" in refused.err


@pytest.mark.parametrize(
    ("flags", "password", "code", "words"),
    [
        ((), PASSWORD, 2, "nobody signs"),
        (("--sign-key=no-such.key",), PASSWORD, 2, "no such file"),
        (("--sign-key=env://NO_SUCH",), PASSWORD, 2, "is not set"),
        (("--sign-key={keys}/mine.key",), "wrong", 1, "does not open with the password"),
    ],
)
def test_who_cannot_sign_is_told_why(
    attested: Attested, flags: tuple[str, ...], password: str, code: int, words: str
) -> None:
    given = [flag.format(keys=attested.keys) for flag in flags]
    done = builder("attest", attested.image, *given, cwd=ROOT, scratch=attested.scratch, env={keys.PASSWORD: password})
    assert done.code == code
    assert words in done.err
    assert password not in done.err.replace("password", "")


def test_the_statements_can_be_read_before_they_are_signed(attested: Attested) -> None:
    done = attested.run("attest", attested.image, "--dry-run", "--builder-id=https://ci.example/1")
    assert done.code == 0, done.err
    found = {one["predicateType"]: one for one in map(json.loads, done.out.splitlines())}
    assert found.keys() == {statements.CYCLONEDX, statements.PROVENANCE, statements.VERIFICATION}
    builder_said = found[statements.PROVENANCE]["predicate"]["runDetails"]["builder"]["id"]
    assert builder_said == "https://ci.example/1"
    assert str(ROOT) not in done.out
    assert str(Path.home()) + "/" not in done.out


def test_everything_live_is_checked_again(attested: Attested) -> None:
    flags = (
        "--framework=scikit-learn",
        "--all",
        f"--registry={attested.host}/team",
        f"--key={attested.keys / 'mine.pub'}",
    )
    nothing = attested.run("verify-published", *flags)
    assert nothing.code == 1
    assert "nothing of the selected images is there" in nothing.err
    tags = tags_of(attested)
    for tag in tags:
        push(attested.digest, f"{attested.host}/team/scikit-learn:{tag}")
    bare = attested.run("verify-published", *flags, "--format=json")
    assert bare.code == 1
    assert all("signature: nobody has signed it" in one["problems"] for one in json.loads(bare.out)["tags"])
    image = f"{attested.host}/team/scikit-learn:{tags[0]}"
    assert attested.run("attest", image, f"--sign-key={attested.keys / 'mine.key'}").code == 0
    whole = attested.run("verify-published", *flags, "--max-age=30d")
    assert whole.code == 0, whole.out + whole.err
    aged = attested.run("verify-published", *flags, "--max-age=0d")
    assert aged.code == 1
    assert "0 days are allowed" in aged.out


def tags_of(attested: Attested) -> list[str]:
    done = attested.run("tag", attested.digest, "--dry-run")
    assert done.code == 0, done.err
    return [line.rpartition(":")[2] for line in done.out.split()]


def test_a_push_attests_before_it_tags(attested: Attested, site_file: Path) -> None:
    where = f"{attested.host}/pushed"
    same = ("--framework=scikit-learn", f"--site={site_file}", f"--repository={REPOSITORY}-{{framework}}")
    refused = attested.run("push", *same, f"--registry={where}", "--attest")
    assert refused.code == 2
    assert "nobody signs" in refused.err
    assert (
        attested.run("verify-published", *same, f"--registry={where}", f"--key={attested.keys / 'mine.pub'}").code == 1
    )
    key = f"--sign-key={attested.keys / 'mine.key'}"
    done = attested.run("push", *same, f"--registry={where}", "--attest", key)
    assert done.code == 0, done.err
    trust = f"--key={attested.keys / 'mine.pub'}"
    found = attested.run("verify-published", *same, f"--registry={where}", trust, "--max-age=30d")
    assert found.code == 0, found.out + found.err
