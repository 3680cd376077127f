"""Sites: what a file says, what the host says, and what a build gets of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import InputError
from builder.host.pip_config import parse, settings
from builder.host.site import Site, apt_conf, load, pip_conf, preferred, redact, rewrite, site_file
from builder.host.site_discovery import pip_files, text
from builder.matrix.load import Preferred

LINE = "deb http://mirror.example/debian bookworm main"


def write(directory: Path, text: str) -> Path:
    file = directory / "site.yaml"
    file.write_text(text)
    return file


def test_a_machine_without_a_file_uses_what_pip_uses(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    texts = {
        "pip.conf": (
            "[global]\nindex-url = https://old.example/simple\nfind_links = nowhere\n"
            "extra-index-url = https://a.example/simple\n    https://b.example/simple\n"
            "[install]\nindex-url = https://new.example/simple\n[freeze]\nindex-url = https://other.example\n"
        ),
        "later": "[global]\nindex-url = https://later.example/simple\ncert =\n",
    }
    environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "PIP_FIND_LINKS": str(tmp_path)}
    site = load(None, settings(texts, environ))
    assert site.pip_index_url == "https://new.example/simple"
    assert site.pip_extra_index_urls == ("https://a.example/simple", "https://b.example/simple")
    assert site.find_links == (tmp_path,)
    assert site.ca_bundle == tmp_path / "ca.pem"
    assert site.base == "pull"
    assert site.skipped == ()


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("extra-index-url=file:///srv/simple", "is local"),
        ("index-url=http://user:secret@localhost:3141/simple", "this machine's own"),
        ("find-links=https://user:secret@pages.example/wheels", "only directories"),
        ("find-links=/no/such/directory", "is no directory"),
        ("cert=/no/such/file", "is no file"),
        ("[secret", "pip's configuration pip.conf cannot be read: "),
    ],
)
def test_what_a_build_cannot_see_is_said_and_left_out(line: str, note: str) -> None:
    site = load(None, settings({"pip.conf": f"[global]\n{line}\n"}, {}))
    assert len(site.skipped) == 1
    assert note in site.skipped[0]
    assert "secret" not in site.skipped[0]
    assert site == Site(skipped=site.skipped)


@pytest.mark.parametrize("named", ["", "/dev/null", "absent.conf", "there.conf", "empty.conf"])
def test_the_files_are_those_that_pip_reads(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": f"{tmp_path}/a:{tmp_path}/b"}
    if named:
        environ["PIP_CONFIG_FILE"] = str(tmp_path / named)
    (tmp_path / "empty.conf").touch()
    names = ("a/pip/pip.conf", "b/pip/pip.conf", ".pip/pip.conf", ".config/pip/pip.conf", "there.conf")
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"[global]\ntimeout = {number}\nnumber-{number} = 1\n")
    command = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    theirs = dict(line.removeprefix("global.").split("=", 1) for line in said.splitlines())
    read = {str(file): text(file) for file in pip_files(environ)}
    ours = {key: repr(value) for key, value in parse(read, {}, []).items()}
    assert {key: value for key, value in theirs.items() if not key.startswith(":env:")} == ours


def test_a_user_without_a_home_has_no_file_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under any number."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert Path("/etc/pip.conf") in pip_files({})


def test_every_key_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "ca.pem").touch()
    text = f"""
default-platform: debian12
base: bootstrap
pip: {{index-url: https://i.example/simple, extra-index-urls: [https://e.example/simple], find-links: [wheels]}}
ca-bundle: ca.pem
apt-sources: |
  # ours
  {LINE}
  deb [trusted=yes] http://mirror.example/debian-security bookworm-security main contrib
registry-mirrors: [https://r.example]
downloads: {{https://d.example/: https://m.example/d/}}
components: {{python-3.6.15: wheels}}
"""
    site = load(write(tmp_path, text), Site(pip_index_url="https://host.example"))
    assert (site.default_platform, site.base) == ("debian12", "bootstrap")
    assert site.pip_index_url == "https://i.example/simple"
    assert site.find_links == (tmp_path / "wheels",)
    assert site.ca_bundle == tmp_path / "ca.pem"
    assert site.components == (("python-3.6.15", tmp_path / "wheels"),)
    assert LINE in (site.apt_sources or "")


def test_a_file_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    file = write(tmp_path, "base: bootstrap\npip: {find-links: []}\n")
    site = load(file, Site(pip_index_url="https://host.example", find_links=(tmp_path,)))
    assert site.pip_index_url == "https://host.example"
    assert site.find_links == ()


def test_all_mistakes_are_reported_together_with_their_places(tmp_path: Path) -> None:
    text = """bsae: pull
base: boostrap
pip:
  find-links: [nowhere]
  index-url: file:///srv
ca-bundle: missing.pem
apt-sources: http://user:secret@mirror.example/
downloads: {ftp://x: https://user:secret@y}
components: {python: .}
"""
    with pytest.raises(InputError) as caught:
        load(write(tmp_path, text), Site())
    problems = caught.value.problems
    assert [problem.split(": ")[0].removeprefix("site.yaml:") for problem in problems] == [
        "1:7",
        "2:7",
        "6:12",
        "7:14",
        "8:22",
        "8:22",
        "9:22",
        "5:14",
        "4:16",
    ]
    assert "did you mean base?" in problems[0]
    assert "did you mean bootstrap?" in problems[1]
    assert "secret" not in "".join(problems)
    assert caught.value.hint


def test_which_file_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert site_file(None, {}) is None
    assert site_file(None, {"BUILDER_SITE": "b.yaml"}) == Path("b.yaml")
    write(tmp_path, "default-platform: debian12\n")
    assert site_file(None, {}) == Path("site.yaml")
    assert site_file(None, {"BUILDER_SITE": "b.yaml"}) == Path("b.yaml")
    assert site_file(Path("a.yaml"), {"BUILDER_SITE": "b.yaml"}) == Path("a.yaml")
    assert preferred(None, {}) == Preferred(platform="debian12")
    with pytest.raises(InputError, match="No such file"):
        preferred(None, {"BUILDER_SITE": "b.yaml"})


def test_pip_conf() -> None:
    assert pip_conf(Site()) == "[global]\ntimeout = 120\nretries = 8\n"
    site = Site(
        pip_index_url="http://i.example:8080/simple", pip_extra_index_urls=("https://a.example", "https://b.example")
    )
    text = pip_conf(site)
    assert "index-url = http://i.example:8080/simple\n" in text
    assert "extra-index-url = https://a.example\n    https://b.example\n" in text
    assert "trusted-host = i.example\n" in text


def test_apt_conf_points_to_the_secrets_that_are_there() -> None:
    assert "secrets" not in apt_conf(Site())
    text = apt_conf(Site(ca_bundle=Path("/etc/ca.pem"), apt_sources=LINE))
    assert 'CAInfo "/run/secrets/ca"' in text
    assert 'SourceList "/run/secrets/apt_sources"' in text


def test_the_longest_prefix_is_rewritten() -> None:
    site = Site(downloads=(("https://d.example/", "https://m/"), ("https://d.example/big/", "https://n/")))
    assert rewrite("https://d.example/a", site) == "https://m/a"
    assert rewrite("https://d.example/big/a", site) == "https://n/a"
    assert rewrite("https://other.example/a", site) == "https://other.example/a"


def test_redacted() -> None:
    assert redact("a https://user:p%40ss@h/x http://t@k") == "a https://***@h/x http://***@k"
