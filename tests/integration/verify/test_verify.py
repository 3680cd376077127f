"""Verification against real containers: a good image passes, and each planted fault is found under its own name."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from testinfra.host import Host

from builder.errors import CancelledError, EngineError, InputError, VerifyError
from builder.matrix.names import LABEL_OWNER, LABEL_ROW
from builder.matrix.promise import PromisedPin
from builder.verify.checks.backend import ShellBackend
from builder.verify.container import PROCESSES, asked, promised, ready
from builder.verify.report import Report
from builder.verify.run_checks import checks_version, extra_checks_of, verify

pytestmark = pytest.mark.engine
EXTRA = extra_checks_of(Path(__file__).parents[3] / "templates", "scikit-learn")

# One layer with many faults: a run must find each, and nothing else.
FAULTS = """
set -e
site=$(/opt/env/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
sed -i 's/^Version: .*/Version: 0.0.1/' "$site"/scipy-*.dist-info/METADATA
rm -r "$site"/joblib-*.dist-info
mkdir "$site"/broken-1.0.dist-info && printf 'import absent\n' > "$site"/broken.py
printf 'Name: broken\nVersion: 1.0\n' > "$site"/broken-1.0.dist-info/METADATA
printf 'broken.py,,\n' > "$site"/broken-1.0.dist-info/RECORD
LC_ALL=C sed 's/libc[.]so[.]6/libX.so.6/' "$site"/numpy/linalg/_umath_linalg.*.so > "$site"/needs-x.so
printf '#!/bin/sh\n' > /usr/local/bin/gcc && chmod +x /usr/local/bin/gcc
mkdir -p ~root/.cache/pip && touch ~root/.cache/pip/wheel
printf 'machine example.com\n' > /home/trainer/.netrc
printf -- '-----BEGIN PRIVATE KEY-----\n' > /etc/ssl/private/site.key
"""
CHANGES = ("USER root", "ENV DEPLOY_TOKEN=hunter2", 'LABEL org.opencontainers.image.base.digest=""')
FOUND = {
    "pins: scipy": "scipy: the row says {scipy}, the image holds 0.0.1 (python-distribution)",
    "pins: joblib": "joblib: the row says {joblib}, the image holds none (python-distribution)",
    "usable: modules are imported": "broken 1.0: import broken: ModuleNotFoundError: No module named 'absent'",
    "usable: libraries are found": "libX.so.6, which /opt/env/lib/python3.11/site-packages/needs-x.so needs, is not",
    "image: user is not root": "runs as uid 0",
    "image: no build tools": "/usr/local/bin/gcc",
    "image: no caches": ".cache/pip/wheel",
    "image: no secret files": "/etc/ssl/private/site.key",
    "image: no credentials in the configuration": "DEPLOY_TOKEN*** in its environment",
    "image: labels": "org.opencontainers.image.base.digest",
    "image: requirements of distributions": "scikit-learn",
    "image: operating system": "the row says debian 11, the image is debian 12",
    "image: label is the expected row": "os.version is 12, not 11",
}


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def broken_image(client: docker.DockerClient, built_image: str) -> Iterator[str]:
    """The built image with every fault, as another image; removed afterwards."""
    container = client.containers.run(built_image, ["-c", FAULTS], entrypoint=["bash"], user="0", detach=True)
    try:
        assert container.wait()["StatusCode"] == 0, container.logs()
        image = container.commit(changes="\n".join(CHANGES))
    finally:
        container.remove(force=True)
    yield str(image.id)
    client.images.remove(str(image.id), force=True, noprune=True)


@pytest.fixture(scope="module")
def broken(broken_image: str) -> Report:
    wanted = replace(promised(broken_image), os_version="11")
    return verify(broken_image, expected=wanted, extra_checks=EXTRA)


@pytest.fixture
def containers(client: docker.DockerClient) -> Iterator[None]:
    """No container of ours is left behind."""
    yield
    assert client.containers.list(all=True, filters={"label": f"{LABEL_OWNER}={os.getpid()}"}) == []


@pytest.mark.usefixtures("containers")
def test_a_good_image_passes_with_every_pin_read(built_image: str, tmp_path: Path) -> None:
    report = verify(built_image, expected=promised(built_image), extra_checks=EXTRA, log_dir=tmp_path)
    assert [one for one in report.results if one.outcome != "passed"] == []
    assert report.passed
    assert set(report.measured) == set(report.promise.pins)
    assert report.junit is not None
    assert report.junit.read_text().count("<testcase") == len(report.results)


@pytest.mark.usefixtures("containers")
def test_its_container_is_confined(built_image: str) -> None:
    """Nobody in it has a capability but root, who may read; and it cannot fill the host with processes."""
    status = "grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    bomb = f"for i in $(seq {PROCESSES + 100}); do sleep 20 & done"
    with ready(built_image) as image:
        assert asked(image.container, status).stdout.split() == ["CapEff:", "0" * 16, "NoNewPrivs:", "1"]
        assert asked(image.container, status, user="root").stdout.split()[1] == f"{1 << 2:016x}"
        assert asked(image.container, "cat /proc/net/dev | wc -l").stdout.strip() == "3"  # two lines of names, and lo
        assert "fork" in asked(image.container, bomb).stderr


@pytest.mark.parametrize("name", FOUND)
def test_a_planted_fault_is_found(broken: Report, name: str) -> None:
    failed = {one.name: one.message for one in broken.results if one.outcome == "failed"}
    assert FOUND[name].format(**broken.promise.values()) in failed[name]


def test_nothing_else_is_found_and_no_secret_is_shown(broken: Report) -> None:
    assert {one.name for one in broken.results if one.outcome == "failed"} == set(FOUND)
    assert not any("hunter2" in one.message for one in broken.results)
    assert not broken.passed


def test_a_pin_without_a_probe_fails(built_image: str) -> None:
    good = promised(built_image)
    row = replace(good, pins={**good.pins, "novelty": PromisedPin(value="1.0", probe="")})
    failed = [one for one in verify(built_image, expected=row).results if one.outcome == "failed"]
    assert "pins: novelty" in {one.name for one in failed}
    assert any("a pin that nothing asserts is an error" in one.message for one in failed)


def test_an_image_without_our_label_is_refused(client: docker.DockerClient, built_image: str) -> None:
    container = client.containers.create(built_image)
    image = container.commit(changes=f'LABEL {LABEL_ROW}=""')
    container.remove(force=True)
    try:
        with pytest.raises(InputError, match=LABEL_ROW):
            verify(str(image.id))
    finally:
        client.images.remove(str(image.id), force=True, noprune=True)


def test_an_unknown_image_is_refused() -> None:
    with pytest.raises(EngineError, match="no such image"):
        verify("framework-images/absent:none")


@pytest.mark.usefixtures("containers")
@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("", VerifyError, "holds no check"),
        ("def test_x(:", VerifyError, "cannot be collected"),
        ("def test_x(): raise KeyboardInterrupt", CancelledError, "interrupted"),
    ],
)
def test_a_run_that_says_nothing_is_an_error(
    built_image: str, tmp_path: Path, source: str, error: type[Exception], words: str
) -> None:
    (tmp_path / "test_extra.py").write_text(source)
    with pytest.raises(error, match=words):
        verify(built_image, extra_checks=[tmp_path / "test_extra.py"])


def test_a_skip_is_never_passed(built_image: str, tmp_path: Path) -> None:
    (tmp_path / "test_gpu.py").write_text("import pytest\ndef test_gpu(): pytest.skip('not checked: no GPU here')")
    results = verify(built_image, extra_checks=[tmp_path / "test_gpu.py"]).results
    assert [(one.outcome, one.message) for one in results if one.name == "gpu: gpu"] == [("not-checked", "no GPU here")]


def test_nothing_of_the_caller_changes_a_verdict(
    broken_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conftest.py").write_text("def pytest_collection_modifyitems(items): items.clear()")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")
    (tmp_path / "test_extra.py").write_text("def test_extra(host): assert host.file('/etc/os-release').exists")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    report = verify(broken_image, extra_checks=[tmp_path / "test_extra.py"])
    assert {one.name: one.outcome for one in report.results}["extra: extra"] == "passed"
    assert not report.passed


def test_a_changed_check_changes_the_version(tmp_path: Path) -> None:
    extra = tmp_path / "test_extra.py"
    extra.write_text("def test_a(): ...")
    first = checks_version([extra])
    extra.write_text("def test_b(): ...")
    assert len({checks_version(), first, checks_version([extra])}) == 3


@pytest.fixture(scope="module")
def host(client: docker.DockerClient, built_image: str) -> Iterator[Host]:
    container = client.containers.run(built_image, ["infinity"], entrypoint=["sleep"], detach=True, init=True)
    backend = ShellBackend(str(container.id))
    yield Host(backend)
    backend.close()
    container.remove(force=True)


@pytest.mark.parametrize(
    ("command", "code", "stdout", "stderr"),
    [
        ("printf no-newline", 0, b"no-newline", b""),
        ("echo out; echo err >&2; exit 7", 7, b"out\n", b"err\n"),
        ("cat", 0, b"", b""),
        ("printf '\\000\\377\\r\\n\\n'", 0, b"\0\xff\r\n\n", b""),
        ("head -c 5000000 /dev/zero | tee /dev/stderr", 0, b"\0" * 5_000_000, b"\0" * 5_000_000),
        ("printf '%s' \"it's\"", 0, b"it's", b""),
        ("kill -9 $$", 137, b"", None),
        ("exec >&- 2>&-; exit 3", 3, b"", b""),
        ("echo 'open", 2, b"", None),
    ],
)
def test_a_command_over_the_shell(host: Host, command: str, code: int, stdout: bytes, stderr: bytes | None) -> None:
    done = host.run(command)
    assert (done.rc, done.stdout_bytes) == (code, stdout)
    assert stderr is None or done.stderr_bytes == stderr


def test_a_command_that_hangs_ends(host: Host) -> None:
    began = time.monotonic()
    assert host.run("sleep 60", timeout=1).rc == 124
    assert time.monotonic() - began < 30
    assert host.run("echo alive").stdout == "alive\n"


def test_forty_commands_are_one_exec(client: docker.DockerClient, host: Host) -> None:
    host.run("true")
    container = client.containers.get(host.backend.hostname)
    before = container.attrs["ExecIDs"]
    assert before
    assert all(host.run("true").succeeded for _ in range(40))
    container.reload()
    assert container.attrs["ExecIDs"] == before


def test_arguments_are_quoted(host: Host) -> None:
    assert host.run("printf %%s %s", "a b'; exit 9 #\n$HOME").stdout == "a b'; exit 9 #\n$HOME"
