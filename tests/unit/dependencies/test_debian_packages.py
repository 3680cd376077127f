"""Debian packages: what a mirror gives is recorded, kept until it is to move, and compared with an image."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.commands.lock import asked_for, print_uncovered
from builder.dependencies import apt_resolve, debian_packages, lock_coverage
from builder.dependencies.debian_packages import Recorded, moved
from builder.dependencies.lockfile import Lock, dump, load, pin
from builder.dependencies.resolve import Wishes
from builder.errors import BuilderError, InputError
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from builder.matrix.names import cell
from builder.matrix.spec import Bootstrap, ImageSpec, Packages
from tests.support.debian_mirror import mirror_site, packages_with

ROOT = Path(__file__).parents[3]
LOCK = load(ROOT / "builder.lock")


def spec_of(name: str) -> ImageSpec:
    return next(spec for spec in load_matrix(ROOT / "matrix.yaml").cells if cell(spec) == name)


def row(runtime: tuple[str, ...] = ("openmpi-bin",)) -> ImageSpec:
    spec = spec_of("scikit-learn/1.9.1-cpu-debian12")
    bare = replace(spec.platform, bootstrap=Bootstrap(suite="bookworm", variant="minbase", include=()))
    return replace(spec, platform=bare, packages=Packages(build=("gcc",), runtime=runtime))


def asked(spec: ImageSpec, known: Recorded, site: Site, *upgrade: str) -> Recorded:
    lists = debian_packages.questions([spec])[spec.platform.name]
    return asked_for(spec.platform, lists, known, Wishes(upgrade=upgrade), site)


def test_a_list_is_recorded_with_what_it_depends_on_and_without_the_base(tmp_path: Path) -> None:
    found = asked(row(), Recorded(), mirror_site(tmp_path, packages_with("4.1.4-3")))
    assert found.lists == {
        "?essential ?priority(required) apt": {"apt": "2.6.1", "libc6": "2.36-9"},
        "gcc": {"gcc": "12"},
        "openmpi-bin": {"libopenmpi3": "4.1.4-3", "openmpi-bin": "4.1.4-3"},
    }
    assert found.archives["bookworm"].startswith("2026-07-11 sha256:")
    lock = Lock(closures=LOCK.closures, apt={"debian12": found})
    assert pin(row(), lock).packages == {"libopenmpi3": "4.1.4-3", "openmpi-bin": "4.1.4-3"}
    (tmp_path / "builder.lock").write_text(dump(lock), "utf-8")
    assert load(tmp_path / "builder.lock").apt == lock.apt


def test_what_is_recorded_stays_until_it_is_to_move(tmp_path: Path) -> None:
    first = asked(row(), Recorded(), mirror_site(tmp_path, packages_with("4.1.4-3")))
    site = mirror_site(tmp_path, {**packages_with("4.1.4-4"), "apt": ("2.6.2", "Depends: libc6\n")})
    assert asked(row(), first, Site(apt_sources="deb file:/nonexistent bookworm main\n")) == first
    packages = asked(row(), first, site, "apt")
    assert packages.lists["openmpi-bin"]["libopenmpi3"] == "4.1.4-4"
    assert packages.lists["?essential ?priority(required) apt"]["apt"] == "2.6.1"
    assert packages.archives == first.archives
    base = asked(row(), first, site, "base")
    assert base.lists["?essential ?priority(required) apt"]["apt"] == "2.6.2"
    assert base.lists["openmpi-bin"] == first.lists["openmpi-bin"]
    assert base.archives != first.archives


def test_a_mirror_without_an_answer_leaves_a_gap_unless_an_upgrade_asks_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = Site(apt_sources=f"deb file:{tmp_path}/nowhere bookworm main\n")
    assert asked(row(), Recorded(), silent) == Recorded()
    assert "its packages are not recorded: apt-get update" in capsys.readouterr().err
    with pytest.raises(BuilderError, match="apt-get update"):
        asked(row(), Recorded(), silent, "apt")
    with pytest.raises(BuilderError, match="Unable to locate package no-such"):
        asked(row(("no-such",)), Recorded(), mirror_site(tmp_path, packages_with("1")), "apt")


def test_a_moved_mirror_is_one_line() -> None:
    expected = {"a": "1", "b": "1", "c": "1", "d": "1", "gone": "1", "same": "1"}
    installed = {"a": "2", "b": "2", "c": "2", "d": "2", "same": "1", "other": "1"}
    assert moved("apt", expected, {**expected, "a": "2"}) == (
        "apt: a 1 → 2; python -m builder lock --upgrade apt records it"
    )
    assert moved("base", expected, installed) == (
        "base: a 1 → 2, b 1 → 2, c 1 → 2, and 1 more; python -m builder lock --upgrade base records it"
    )
    assert not moved("apt", expected, {"a": "1"})


def test_coverage_says_what_is_only_recorded() -> None:
    spec = spec_of("scikit-learn/1.9.1-cpu-debian12")
    said = list(lock_coverage.uncovered(spec, LOCK, bootstrapped=True))
    assert len(said) == 2
    assert said[0].startswith(
        "apt: 4 of 4 packages have no whole version, and what all depend on has none: their mirror"
    )
    assert said[0].endswith("python -m builder lock --upgrade apt records today's")
    assert "bookworm of 20" in said[1]
    assert said[1].endswith("python -m builder lock --upgrade base records today's")
    silent = list(lock_coverage.uncovered(spec, replace(LOCK, apt={}), bootstrapped=False))
    assert len(silent) == 1
    assert "lock --upgrade apt does: ca-certificates, libgomp1, python3, python3-venv" in silent[0]
    _, new = lock_coverage.uncovered(spec, replace(LOCK, closures={}, apt={}), bootstrapped=False)
    assert new.endswith("python -m builder lock --only 'scikit-learn/1.9.1-cpu-debian12'")


def test_coverage_of_the_documented_platform_names_every_free_package() -> None:
    """What NVIDIA's repositories give has whole versions there, what Ubuntu gives has not; conda's were not asked for."""
    spec = spec_of("pytorch/1.6.0-gpu-ubuntu16.04")
    apt_, conda, _base, wheels, silent = lock_coverage.uncovered(spec, LOCK, bootstrapped=True)
    assert apt_ == (
        "apt: 9 of 19 packages have no whole version, and what all depend on has none: their mirror decides on that "
        "day; 16 versions are recorded to compare with, python -m builder lock --upgrade apt records today's"
    )
    assert conda.startswith("conda: ca-certificates, libedit, libffi, ")
    assert "zlib: known by their md5 only, and never asked of their channel" in conda
    assert "horovod" in wheels
    assert "wrapt" in silent
    fixed = replace(spec, packages=Packages(build=("gcc=1",), runtime=("git=1:2.7.4-0ubuntu1",)))
    said = next(iter(lock_coverage.uncovered(fixed, LOCK, bootstrapped=True)))
    assert said.startswith("apt: 0 of 2 packages have no whole version, and what all depend on has none: no mirror")


@pytest.mark.parametrize("flags", [["--format=json"], ["-v"]])
def test_list_and_lock_say_it(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    name = "pytorch/1.6.0-gpu-ubuntu16.04"
    said = lock_coverage.uncovered(spec_of(name), LOCK, bootstrapped=False)
    assert main(["list", f"--matrix={ROOT}/matrix.yaml", f"--only={name}", *flags]) == 0
    listed = capsys.readouterr().out
    print_uncovered((spec_of(name),), LOCK, bootstrapped=False)
    locked = capsys.readouterr().err
    assert f"not fixed by builder.lock in {name}:" in locked
    for sentence in said:
        assert (json.dumps(sentence) if flags == ["--format=json"] else sentence) in listed
        assert f"  {sentence}\n" in locked


def test_every_bootstrapped_row_is_recorded() -> None:
    for platform, lists in debian_packages.questions(load_matrix(ROOT / "matrix.yaml").cells).items():
        assert lists == LOCK.apt[platform].lists.keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"openmpi-bin": "', '"openmpi-bin": "$(x) '),
        ('"bookworm": "', '"bookworm": "some '),
        ('"archives"', '"archive"'),
    ],
)
def test_an_edited_record_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = json.dumps(json.loads(dump(LOCK))).replace(old, new, 1)
    (tmp_path / "builder.lock").write_text(text, "utf-8")
    with pytest.raises(InputError, match="edited by hand or damaged"):
        load(tmp_path / "builder.lock")


def test_apt_leaves_the_host_alone(tmp_path: Path) -> None:
    text = apt_resolve.configuration(tmp_path, Site(ca_bundle=Path("/ca.pem")))
    assert f'Dir "{tmp_path}";' in text
    assert 'Acquire::https::CAInfo "/ca.pem";' in text
    assert "Invoke" not in text
