"""`scan`: from the lock to an exit code, with what somebody answers for, and what nobody has judged."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from builder.__main__ import main
from builder.dependencies.lockfile import asked
from builder.matrix.load import load as load_matrix
from tests.support.advisories import ranges
from tests.support.project import small_matrix
from tests.support.scripted_registry import Answer, scripted

CELL = "toy/1.0.0-cpu-debian12"
VERSIONS = {"pip": "26.3", "six": "1.17.0", "needs-six": "1.0"}
HIGH = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]
PACKAGES = b"Package: libgomp1\nVersion: 12.2.0-14+deb12u1\n\nPackage: python3\nVersion: 3.11.2-1\n"
LATER = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()


def advisory(name: str, **more: Any) -> dict[str, Any]:
    about = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": ranges({"introduced": "0"}, {"fixed": "99"})}
    return {"id": f"X-{name}", "modified": "2026-11-01T00:00:00Z", "affected": [about], **more}


def archive(method: str, path: str, headers: Mapping[str, str]) -> Answer:
    """A mirror whose security archive has nothing newer than the lock of the test."""
    assert method == "GET"
    assert headers
    return (200, {}, PACKAGES) if path.endswith("/Packages") and "security" in path else (404, {}, b"")


class Scan:
    """A small project with its lock, its advisories and a mirror."""

    def __init__(self, root: Path, mirror: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.mirror, self.capsys = root, mirror, capsys
        self.beside: dict[str, Any] = {}
        (root / "db").mkdir()
        (root / "matrix.yaml").write_text(small_matrix("toy"))
        self.lock({"libgomp1": "12.2.0-14+deb12u1"})

    def lock(self, apt: Mapping[str, str]) -> None:
        (spec,) = load_matrix(self.root / "matrix.yaml").cells
        distributions = {
            name: f"{v} {name.replace('-', '_')}-{v}-py3-none-any.whl sha256:{'a' * 64}" for name, v in VERSIONS.items()
        }
        content = {
            "schema": 1,
            "closures": {CELL: {"asked": asked(spec), "distributions": distributions}},
            "requirements": {"needs-six==1.0": "Python | six<2"},
            "apt": {"debian12": {"archives": {}, "lists": {" ".join(sorted(spec.packages.runtime)): dict(apt)}}},
        }
        (self.root / "builder.lock").write_text(json.dumps(content))

    def knows(self, *records: Mapping[str, Any]) -> None:
        for number, one in enumerate(records):
            (self.root / f"db/{number}.json").write_text(json.dumps(one))

    def accepts(self, *entries: Mapping[str, str]) -> None:
        (self.root / "accepted.yaml").write_text(json.dumps({"schema": "1", "accepted": list(entries)}))

    def run(self, *words: str, days: int | None = None) -> tuple[int, list[dict[str, Any]], str]:
        section = {"path": str(self.root / "db"), **({"days": days} if days else {})}
        lines = "".join(f"deb {self.mirror} bookworm{end} main\n" for end in ("", "-security"))
        site = self.root / "site.json"
        site.write_text(json.dumps({"advisories": section, "apt-sources": lines}))
        code = main(["scan", "--format=json", f"--matrix={self.root}/matrix.yaml", f"--site={site}", *words])
        said = self.capsys.readouterr()
        self.beside = json.loads(said.out) if said.out else {}
        return code, self.beside.get("findings", []), said.err


@pytest.fixture
def scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    with scripted(archive) as host:
        yield Scan(tmp_path, f"http://{host}/debian", capsys)


def test_what_is_clean_is_green(scan: Scan) -> None:
    scan.knows(advisory("other"), advisory("six", withdrawn="2026-01-01T00:00:00Z"))
    code, found, said = scan.run()
    assert (code, found) == (0, []), said
    assert "pypi: audited: 2 records, the newest of 2026-11-01; 1 cells" in said
    assert "debian12: audited: 1 packages, 0 with a security update pending" in said


def test_one_fault_counts_once_and_says_what_forbids_its_mend(scan: Scan) -> None:
    scan.knows(
        advisory("six", aliases=["CVE-1"]),
        {**advisory("six", aliases=["CVE-1", "GHSA-2"], severity=HIGH), "id": "X-again"},
        advisory("pip"),
        advisory("needs-six"),
    )
    code, found, _ = scan.run()
    assert code == 1
    assert [(one["distribution"], one["severity"], one["ids"]) for one in found] == [
        ("needs-six 1.0", "unknown", ["X-needs-six"]),
        ("pip 26.3", "unknown", ["X-pip"]),
        ("six 1.17.0", "high", ["CVE-1", "GHSA-2", "X-again", "X-six"]),
    ]
    assert [one["mended by"] for one in found] == [
        "99 mends it; to try it: python -m builder lock --upgrade needs-six",
        "99 mends it; the row pins 26.3",
        "99 mends it; the row pins 1.17.0",
    ]


def test_the_gate(scan: Scan) -> None:
    scan.knows(advisory("six", severity=HIGH))
    assert scan.run("--fail-on=high")[0] == 1
    assert scan.run("--fail-on=critical")[0] == 0
    scan.knows(advisory("six"))
    assert scan.run("--fail-on=critical")[0] == 1, "what nobody has rated may be as bad as any"


def test_somebody_answers_until_a_day(scan: Scan, tmp_path: Path) -> None:
    scan.knows(advisory("six", aliases=["CVE-1"]))
    entry = {"id": "CVE-1", "of": "six", "owner": "Ada", "reason": "never called", "until": LATER}
    scan.accepts(entry)
    code, (found,), _ = scan.run(f"--vex={tmp_path}/vex.json")
    assert (code, found["accepted by"]) == (0, "Ada")
    (told,) = json.loads((tmp_path / "vex.json").read_text())["statements"]
    assert (told["status"], told["vulnerability"]["name"]) == ("affected", "CVE-1")
    assert told["action_statement"] == f"accepted by Ada, until {LATER}: never called"
    for change in ({"of": "pip"}, {"images": "other/*"}, {"until": "2026-01-01"}, {"id": "CVE-11"}):
        scan.accepts({**entry, **change})
        assert scan.run()[0] == 1, change
    scan.accepts({**entry, "until": "2026-01-01"})
    assert "CVE-1: over since 2026-01-01" in scan.run()[2]
    scan.accepts({**entry, "justification": "vulnerable_code_not_in_execute_path"})
    assert scan.run(f"--vex={tmp_path}/vex.json")[0] == 0
    (told,) = json.loads((tmp_path / "vex.json").read_text())["statements"]
    assert (told["status"], told["justification"]) == ("not_affected", "vulnerable_code_not_in_execute_path")


def test_what_is_not_audited_is_not_green(scan: Scan) -> None:
    scan.knows(advisory("other"))
    code, _, said = scan.run(days=3)
    assert code == 1
    assert "pypi: not audited: 1 records, the newest of 2026-11-01, and this site allows none before" in said
    scan.mirror = "http://127.0.0.1:9/debian"
    code, _, said = scan.run()
    assert (code, "debian12: not audited: its security archive: " in said) == (1, True)
    scan.accepts({"not-audited": "ubuntu16.04", "owner": "Ada", "reason": "no network", "until": LATER})
    assert scan.run()[0] == 1
    scan.accepts({"not-audited": "debian12", "owner": "Ada", "reason": "no network", "until": LATER})
    code, _, said = scan.run()
    assert (code, "debian12: not audited, accepted by Ada: " in said) == (0, True)


def test_a_pending_security_update_is_said(scan: Scan) -> None:
    scan.knows(advisory("other"))
    scan.lock({"libgomp1": "12.2.0-14"})
    code, _, said = scan.run()
    assert code == 1
    told = {"platform": "debian12", "package": "libgomp1", "locked": "12.2.0-14", "pending": "12.2.0-14+deb12u1"}
    assert scan.beside["pending"] == [told]
    judged = [(one["ecosystem"], one["audited"]) for one in scan.beside["coverage"]]
    assert judged == [("pypi", True), ("debian12", True)]
    assert (
        "debian12: libgomp1 12.2.0-14: a security update is pending, 12.2.0-14+deb12u1: python -m builder lock" in said
    )


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"id": "CVE-1"}, "owner"),
        ({"owner": "A", "reason": "b", "until": LATER}, "what is accepted?"),
        ({"id": "CVE-1", "not-audited": "conda", "owner": "A", "reason": "b", "until": LATER}, "what is accepted?"),
        ({"id": "CVE-1", "owner": "A", "reason": "b", "until": "2026-02-30"}, "it is no day"),
        ({"id": "CVE-1", "owner": "A", "reason": "b", "until": "for ever"}, "a day like 2027-01-31"),
        ({"id": "CVE-1", "owner": "A", "reason": "b", "until": LATER, "justification": "x"}, "x is none of component"),
        ({"id": "../x", "owner": "A", "reason": "b", "until": LATER}, "the name of an advisory"),
        ({"id": "CVE-1", "owner": "A", "reason": "b", "until": LATER, "unitl": "x"}, "unitl"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(entry: dict[str, str], says: str, scan: Scan) -> None:
    scan.knows(advisory("other"))
    scan.accepts(entry)
    code, _, said = scan.run()
    assert code == 2
    assert says in said
    assert "accepted.yaml:1:" in said


def test_a_site_without_advisories_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "matrix.yaml").write_text(small_matrix("toy"))
    (tmp_path / "site.yaml").write_text("default-platform: debian12\n")
    assert main(["scan", f"--matrix={tmp_path}/matrix.yaml", f"--site={tmp_path}/site.yaml"]) == 2
    assert "nothing can be audited" in capsys.readouterr().err
