"""What every image of ours keeps to, whatever framework it holds."""

import re
import shlex
from collections.abc import Mapping

import pytest
from testinfra.host import Host

from builder.matrix.probes import LIST_PACKAGES, PRINT_OS, PYTHON, os_release
from builder.matrix.promise import Promise
from builder.verify.checks.plugin import Ask, Subject, last_words

UID = 1000
LABELS = ("title", "version", "base.name", "base.digest")
TOOLS = ("gcc", "g++", "cc", "c++", "make", "cmake", "nvcc")
BUILD_PACKAGE = re.compile(r".+-dev|(gcc|g\+\+|cpp)(-[0-9.]+)?|make|cmake|build-essential|binutils|cuda-nvcc-.+")
# One assignment or URL that carries a credential; the group is what may be shown.
CREDENTIAL = re.compile(
    r"(?P<url>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@"
    r"|(?P<name>\b\w*(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY)\w*)=[^\s,]"
    r"|(?P<key>\bAKIA)[0-9A-Z]{16}\b|(?P<hub>\bgh[pousr]_)[0-9A-Za-z]{20}",
    re.IGNORECASE,
)
CACHES = """
find /var/lib/apt/lists -type f ! -name lock
find /var/cache/apt -type f ! -name lock
find ~root/.cache /home/*/.cache ~root/.conda/pkgs /home/*/.conda/pkgs -type f
find /opt/*/pkgs /opt/pkgs -mindepth 1 -maxdepth 1 '(' -name '*.conda' -o -name '*.tar.bz2' -o -type d ! -name cache ')'
"""
# The keys in Python's own tests, and in those of distributions, are public.
SECRETS = r"""
find / -xdev '(' -path /proc -o -path /sys -o -path /usr/share ')' -prune -o -type f '(' \
  -name pip.conf -o -name .netrc -o -name .condarc -o -name .pypirc -o -name .git-credentials \
  -o -name id_rsa -o -name id_dsa -o -name id_ecdsa -o -name id_ed25519 \
  -o -path '*/.docker/config.json' -o -path '*/.aws/credentials' ')' -print
find /run/secrets -type f
find /root /home /opt /etc /tmp /srv /var/tmp -xdev \
  '(' -path '*/site-packages' -o -path '/opt/*/lib/python*/test' ')' -prune -o -type f -size -64k \
  '(' -name '*.pem' -o -name '*.key' -o -name 'id_*' -o -name '*_key' ')' -exec grep -l 'PRIVATE KEY-----' '{}' +
"""


def test_user_is_not_root(host: Host) -> None:
    found = host.run("id -u").stdout.strip()
    assert found == str(UID), f"the image runs as uid {found}, not {UID}: its Dockerfile must end with USER {UID}"


def test_operating_system(promise: Promise, ask: Ask) -> None:
    found = os_release(ask(PRINT_OS).stdout)
    wanted, measured = (promise.os_id, promise.os_version), (found.get("ID"), found.get("VERSION_ID"))
    assert wanted == measured, f"the row says {' '.join(wanted)}, the image is {measured[0]} {measured[1]} (os-release)"


def test_home_is_writable(host: Host) -> None:
    done = host.run('test "$HOME" != / && touch "$HOME/.probe" && rm "$HOME/.probe" && printf "%%s" "$HOME"')
    assert done.rc == 0, f"HOME cannot be written: {last_words(done.stderr)}"


def test_first_python_on_the_path(host: Host) -> None:
    found = host.run("command -v python").stdout.strip()
    assert found == PYTHON, f"python is {found or 'not there'}, not {PYTHON}: /opt/env/bin must come first on PATH"


def test_requirements_of_distributions(host: Host) -> None:
    done = host.run(f"{PYTHON} -m pip --disable-pip-version-check check")
    problems = (done.stdout.strip() or done.stderr.strip()).splitlines()
    assert done.rc == 0, f"pip check: {'; '.join(problems)}"


def test_no_build_tools(host: Host, ask: Ask) -> None:
    found = host.run("for tool in %s; do command -v $tool; done; true" % " ".join(TOOLS)).stdout.split()  # noqa: UP031
    listed = [line.split(" ") for line in ask(LIST_PACKAGES).stdout.splitlines()]
    found += [line[1] for line in listed if line[0] == "installed" and BUILD_PACKAGE.fullmatch(line[1])]
    assert not found, f"build tools are left in the image: {', '.join(found)}: they belong to a build stage"


def test_no_caches(root: Host) -> None:
    found = root.run(CACHES).stdout.split("\n")[:-1]
    assert not found, f"{len(found)} cached files are left, such as {found[0]}: use a cache mount"


def test_no_secret_files(root: Host) -> None:
    found = root.run(SECRETS).stdout.split("\n")[:-1]
    assert not found, f"files that may hold credentials: {', '.join(found[:5])}: pass them as BuildKit secrets"


def test_no_credentials_in_the_configuration(subject: Subject) -> None:
    labels = subject.config.get("Labels") or {}
    places = {
        "its environment": subject.config.get("Env") or [],
        "its labels": [f"{name}={value}" for name, value in labels.items()],
        "its history": subject.history,
        "its command": [shlex.join(subject.config.get(key) or []) for key in ("Entrypoint", "Cmd")],
    }
    found = [f"{show(hit)} in {place}" for place, texts in places.items() for hit in credentials(texts)]
    assert not found, f"the image carries credentials: {'; '.join(found)}: rotate them, and pass them as secrets"


def test_labels(subject: Subject) -> None:
    labels = subject.config.get("Labels") or {}
    missing = [name for name in LABELS if not labels.get(f"org.opencontainers.image.{name}")]
    assert not missing, f"labels are missing: {', '.join('org.opencontainers.image.' + name for name in missing)}"


@pytest.mark.applies(when=lambda subject: subject.expected is not None)
def test_label_is_the_expected_row(subject: Subject) -> None:
    assert subject.expected is not None
    wanted, found = flat(subject.expected.document()), flat(subject.label.document())
    differ = [key for key in sorted({*wanted, *found}) if wanted.get(key) != found.get(key)]
    told = "; ".join(f"{key} is {found.get(key, 'none')}, not {wanted.get(key, 'none')}" for key in differ)
    assert not differ, f"the label is not the row: {told}: build the image again"


def credentials(texts: list[str] | tuple[str, ...]) -> list[re.Match[str]]:
    """The credentials in some texts."""
    return [hit for text in texts for hit in CREDENTIAL.finditer(text)]


def show(hit: re.Match[str]) -> str:
    """Which credential it is, without the credential."""
    return next(f"{value}***" for value in hit.groupdict().values() if value)


def flat(value: object, path: str = "") -> dict[str, str]:
    """Nested mappings as dotted keys."""
    if not isinstance(value, Mapping):
        return {path: str(value)}
    inner = (flat(one, f"{path}.{name}".lstrip(".")) for name, one in value.items())
    return {key: text for part in inner for key, text in part.items()}
