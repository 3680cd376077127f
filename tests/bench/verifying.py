"""Thirty plain checks of an image by our verifier, by testinfra and by container-structure-test.

Each starts and removes its containers. A last line has our own checks, over our shell and over testinfra's backend.
The thirty are one table, from which a test file and a configuration are made; an image with faults must get the same
verdicts of all three.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import docker
import yaml

from tests.bench.measured import ROOT, Measured, Side, medians, run
from tests.bench.toys import PREFIX, SKLEARN, real

ROUNDS, FEW = 5, 3
PACKAGES = ("bash", "ca-certificates", "coreutils", "dpkg", "libc6", "libgomp1", "python3", "sed", "tar", "zlib1g")
FILES = ("/opt/env/bin/python", "/etc/os-release", "/etc/ssl/certs/ca-certificates.crt", "/home/trainer")
ABSENT = ("/usr/bin/gcc", "/usr/local/bin/gcc", "/etc/pip.conf", "/srv/odd")
OUTPUTS = {
    "id -u": "1000",
    "id -un": "trainer",
    "sed -n 's/^VERSION_ID=.\\([0-9]*\\)./\\1/p' /etc/os-release": "12",
    "command -v python": "/opt/env/bin/python",
    "printenv LANG": "C.UTF-8",
    "python -c 'import sys; print(sys.version_info[1])'": "11",
}
FAULTS = """set -e
rm -r /opt/env/lib/python3.11/site-packages/joblib-*.dist-info
touch /usr/local/bin/gcc /srv/odd
sed -i s/12/11/ /etc/os-release
mv /etc/ssl/certs/ca-certificates.crt /tmp
sed -i '/^Package: libgomp1$/,/^$/s/^Status: .*/Status: deinstall ok config-files/' /var/lib/dpkg/status
"""
FAULTY = 8
"""The image with faults also runs as root, which two checks see."""
TESTS = """import pytest

CASES = {cases!r}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_case(host, number):
    kind, subject, expected = CASES[number]
    if kind == "package":
        assert host.package(subject).is_installed
    elif kind in ("file", "absent"):
        assert host.file(subject).exists == (kind == "file")
    else:
        assert host.run(subject).stdout.strip() == expected
"""
Case = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The thirty checks, as each tool reads them."""

    tests: Path
    structure: Path


def cases() -> list[Case]:
    """Thirty: kind, subject, and the expected output of a command."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "images" / SKLEARN / "requirements").glob("*.txt"))]
    pins = [match for text in texts for match in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)]
    version = "python -c 'import importlib.metadata as m; print(m.version(\"%s\"))'"
    found = [("output", version % name, expected) for name, expected in pins]
    found += [("output", command, expected) for command, expected in OUTPUTS.items()]
    found += [("absent", path, "") for path in ABSENT] + [("file", path, "") for path in FILES]
    return (found + [("package", name, "") for name in PACKAGES])[:30]


def structure(wanted: Sequence[Case]) -> dict[str, Any]:
    """The same for container-structure-test: https://github.com/GoogleContainerTools/container-structure-test."""
    commands, files = [], []
    for number, (kind, subject, expected) in enumerate(wanted):
        if kind in ("file", "absent"):
            files.append({"name": str(number), "path": subject, "shouldExist": kind == "file"})
            continue
        query = f"dpkg -s {subject} | grep ^Status" if kind == "package" else subject
        answer = "Status: install ok installed" if kind == "package" else expected
        commands.append(
            {
                "name": str(number),
                "command": "sh",
                "args": ["-c", query],
                "expectedOutput": [f"^{re.escape(answer)}\\s*$"],
            }
        )
    return {"schemaVersion": "2.0.0", "commandTests": commands, "fileExistenceTests": files}


def verifying() -> Iterator[Measured]:
    """Seconds of the three for a good image, after they agreed about a bad one."""
    with real(SKLEARN) as images, tempfile.TemporaryDirectory(prefix=f"{PREFIX}-") as name:
        reference = str(images.build()[0]["tags"][0])
        wanted = cases()
        files = Files(tests=Path(name, "test_thirty.py"), structure=Path(name, "thirty.yaml"))
        files.tests.write_text(TESTS.format(cases=wanted), "utf-8")
        files.structure.write_text(yaml.safe_dump(structure(wanted)), "utf-8")
        note = f"{verdicts(reference, files)} of {FAULTY} seeded faults found by all three, and nothing else"
        work = f"{len(wanted)} plain checks, container start included"
        for look, rounds, tool, command, aim in (
            (plainly, ROUNDS, "testinfra", "docker run; pytest --hosts=docker://ID; docker rm", 0.2),
            (structurally, FEW, "container-structure-test", "container-structure-test test --image IMAGE", 0.1),
        ):
            mine, peer = medians(rounds, partial(ours, files, reference), partial(look, files, reference))
            yield Measured(
                work=f"{work}: {tool}",
                note=note,
                ours=Side(command="python -m tests.bench.backends thirty FILE IMAGE", value=mine),
                peer=Side(command=command, value=peer),
                aim=aim,
            )
        yield own_checks(reference, Path(name))


def own_checks(reference: str, directory: Path) -> Measured:
    """Our own checks as they are, beside the same over testinfra's own backend."""
    words = [reference, f"--log-dir={directory / 'logs'}"]
    whole, backend = medians(
        ROUNDS,
        lambda: run([sys.executable, "-m", "builder", "verify", *words]),
        lambda: run([sys.executable, "-m", "tests.bench.backends", "plain", *words]),
    )
    return Measured(
        work="our own checks of the scikit-learn image",
        ours=Side(command="python -m builder verify IMAGE", value=whole),
        peer=Side(command="python -m tests.bench.backends plain IMAGE", value=backend),
    )


def verdicts(reference: str, files: Files) -> int:
    """How many faults all three find in an image that has some; they must find the same, and nothing in a good one."""
    for look in (ours, plainly, structurally):
        assert look(files, reference) == set(), f"{look.__name__} finds faults in a good image"
    with broken(reference) as bad:
        found = [look(files, bad) for look in (ours, plainly, structurally)]
    assert found[0] == found[1] == found[2], f"they do not agree: {found}"
    return len(found[0])


@contextmanager
def broken(reference: str) -> Iterator[str]:
    """The image with faults, as another image of the same name."""
    client, name = docker.from_env(), reference.partition(":")[0]
    container = client.containers.run(reference, ["-c", FAULTS], entrypoint=["bash"], user="0", detach=True)
    try:
        assert container.wait()["StatusCode"] == 0, container.logs()
        container.commit(repository=name, tag="broken")
    finally:
        container.remove(force=True)
    try:
        yield f"{name}:broken"
    finally:
        client.api.remove_image(f"{name}:broken", noprune=True)
        client.close()


def ours(files: Files, image: str) -> set[str]:
    """The numbers of the checks that fail."""
    said = run([sys.executable, "-m", "tests.bench.backends", "thirty", files.tests, image])
    return {line.rpartition(" ")[2] for line in said.splitlines() if line}


def plainly(files: Files, image: str) -> set[str]:
    container = run(["docker", "run", "--detach", "--entrypoint=sleep", image, "infinity"]).strip()
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rf",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        f"--hosts=docker://{container}",
    ]
    try:
        done = subprocess.run(
            [*argv, f"--rootdir={files.tests.parent}", str(files.tests)],
            capture_output=True,
            text=True,
            check=False,
            cwd=files.tests.parent,
        )
    finally:
        run(["docker", "rm", "--force", container])
    return set(re.findall(r"^FAILED .*-(\d+)\]", done.stdout, re.MULTILINE))


def structurally(files: Files, image: str) -> set[str]:
    argv = [
        str(Path(sys.executable).with_name("container-structure-test")),
        "test",
        f"--image={image}",
        f"--config={files.structure}",
        "--output=json",
    ]
    found = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    return {one["Name"].rpartition(": ")[2] for one in json.loads(found)["Results"] if not one["Pass"]}
