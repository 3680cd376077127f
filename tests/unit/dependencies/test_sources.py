"""Sources that are there, gone, silent, slow, strangers or wrong: each is told in its own words, within one time."""

import gzip
import hashlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from builder.build import base_sources
from builder.dependencies import apt_packages, lockfile, package_index, pinned_packages, sources
from builder.dependencies.source import Answer, Source, ask, instead
from builder.host.site import Site
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.spec import CONDA, Distribution, ImageSpec
from builder.registry.manifests import OCI_INDEX, digest_of
from tests.support.certificates import make_certificate
from tests.support.dripping import dripping
from tests.support.package_index import Index, serving
from tests.support.scripted_registry import Answer as Said
from tests.support.scripted_registry import scripted

ROOT = Path(__file__).parents[3]
CELLS = load(ROOT / "matrix.yaml").cells
GPU = next(spec for spec in CELLS if spec.device == "gpu" and spec.repositories)
RELEASE = b"Origin: x\nDate: Sat, 11 Jul 2026 09:00:00 UTC\n"
PAGE = {"Content-Type": "text/html"}
FINGERPRINT = "FFF25213FFF0B6F760B5CF00A07ED7BB0B1476EA"
KEY = b"""-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawmophYJKwYBBAHaRw8BAQdASNnaQVIFsE/QgMaiN+vi5EfZ8Vzo0foOl/xS
ragJAK60F1Rlc3QgPHRlc3RAZXhhbXBsZS5vcmc+iJAEExYIADgWIQT/8lIT//C2
92C1zwCgfte7CxR26gUCawmopgIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAK
CRCgfte7CxR26m6gAQDsWS8cG0nQCUpNTJCenOu2J5oxRmVWK7jXtkUwffcYBwD/
U8QENkZuOElvrh8S70OnlxqlJnVPq5xlFe5h7s8WWgA=
=eqdw
-----END PGP PUBLIC KEY BLOCK-----
"""


def of_file(url: str, site: Site | None = None) -> Source:
    question = partial(sources.there, url, site or Site())
    return Source(kind="download", name=url, cells=("a",), questions=(question,), instead="downloads")


def answer(*asked: Source, seconds: float = 20) -> list[Answer]:
    return [one for _, found in ask(asked, seconds) for one in found]


def states(found: list[Answer]) -> list[str]:
    return [one.state for one in found]


def files(method: str, path: str, headers: Mapping[str, str]) -> Said:
    """A server of files with the ways that servers have."""
    if path == "/moved":
        return 302, {"Location": "/file"}, b""
    if path == "/loop":
        return 302, {"Location": "/loop"}, b""
    if path == "/no-head":
        if method == "HEAD":
            return 501, {}, b""
        assert headers["Range"] == "bytes=0-0"
        return 206, {"Content-Range": "bytes 0-0/1234567"}, b"x"
    found = {"/file": (200, {}, b"x" * 12), "/login": (200, PAGE, b"<html>"), "/refused": (403, {}, b"")}
    return found.get(path, (404, {}, b""))


@pytest.mark.parametrize(
    ("path", "state", "said"),
    [
        ("/file", "answers", "12 bytes"),
        ("/moved", "answers", "12 bytes"),
        ("/no-head", "answers", "1,234,567 bytes"),
        ("/gone", "gone", "HTTP Error 404"),
        ("/login", "answers otherwise", "a page in the place of the file"),
        ("/refused", "answers otherwise", "HTTP Error 403"),
        ("/loop", "answers otherwise", "infinite loop"),
    ],
)
def test_a_download(path: str, state: str, said: str) -> None:
    with scripted(files) as host:
        (found,) = answer(of_file(f"http://{host}{path}"))
    assert (found.state, said in found.said) == (state, True), found


def test_a_name_that_nobody_has_and_a_port_that_nobody_listens_on() -> None:
    found = answer(of_file("http://nobody.invalid/file"), of_file("http://127.0.0.1:9/file"))
    assert states(found) == ["not reachable"] * 2
    assert "refused" in found[1].said


def test_a_certificate_that_nobody_knows_is_said_with_the_key_for_it(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(made["certificate"]), str(made["key"]))
    with scripted(files, tls=context) as host:
        source = of_file(f"https://{host}/file")
        (found,) = answer(source)
        assert found.state == "answers otherwise"
        assert "certificate" in found.said
        assert instead(source, found) == "ca-bundle"
        assert states(answer(of_file(source.name, Site(ca_bundle=tmp_path / "ca.pem")))) == ["answers"]


def test_a_slow_one_costs_its_own_answer_and_no_more_than_the_time_of_all() -> None:
    with dripping() as slow, scripted(files) as host:
        began = time.monotonic()
        found = answer(*(of_file(f"http://{slow}/{n}") for n in range(3)), of_file(f"http://{host}/file"), seconds=1)
        assert time.monotonic() - began < 3
    assert states(found) == [*["not reachable"] * 3, "answers"]
    assert "no answer in the" in found[0].said


def gpu_on(host: str, spec: ImageSpec = GPU) -> tuple[list[ImageSpec], Site]:
    """A row whose one repository and key are on that server."""
    one = replace(
        spec.repositories[0], url=f"http://{host}/apt", key_url=f"http://{host}/key.pub", fingerprint=FINGERPRINT
    )
    pins = ("a=1.0-1", "b=2.0-1", "c=3.0", "git=1:2.7.4*", "plain")
    return [replace(spec, repositories=(one,), packages=replace(spec.packages, build=(), runtime=pins))], Site()


LISTED = b"Package: a\nVersion: 1.0-1\n\nPackage: b\nVersion: 2.0-2\n\nPackage: b\nVersion: 1.9\n"


@pytest.mark.parametrize("form", [".gz", ""])
def test_a_pinned_package_that_its_repository_lists_no_more(form: str) -> None:
    content = gzip.compress(LISTED) if form else LISTED
    there = {"/apt/Release": RELEASE, f"/apt/Packages{form}": content}
    with scripted(lambda _, path, __: (200, {}, there[path]) if path in there else (404, {}, b"")) as host:
        cells, site = gpu_on(host)
        assert states(answer(*sources.repositories(cells, site))) == ["answers"]
        found = answer(next(pinned_packages.of(cells, site)))
    assert [(one.subject, one.state, one.said) for one in found] == [
        ("a=1.0-1", "answers", ""),
        ("b=2.0-1", "gone", "listed are 1.9, 2.0-2"),
        ("c=3.0", "gone", "no such package is listed"),
    ]
    assert found[0].cells == (cell(GPU),)


def test_a_pin_whose_exact_dependency_is_not_pinned() -> None:
    """An NVIDIA library for developers wants its library in its own version, and apt takes the newest."""
    stanzas = (
        "Package: a\nDepends: b (= 2.0-1), c:amd64 (= 3.0), d (>= 4), e (= 5) | f\nVersion: 1.0-1\n",
        "Package: b\nVersion: 2.0-1\nPre-Depends: git (= 1:2.7.4-0)\n",
        "Package: c\nVersion: 3.0\nDepends: g (= 6.0+x~1)\n",
    )
    content = "\n".join(stanzas).encode()
    with scripted(lambda _, path, __: (200, {}, content) if path == "/apt/Packages" else (404, {}, b"")) as host:
        found = answer(next(pinned_packages.of(*gpu_on(host))))
        (spec,), site = gpu_on(host)
        apart = replace(spec, packages=replace(spec.packages, build=("a=1.0-1",), runtime=("b=2.0-1", "c=3.0")))
        split = answer(next(pinned_packages.of([apart], site)))
    assert states(found) == [*["answers"] * 3, "answers otherwise"]
    assert (found[3].subject, found[3].cells) == ("c=3.0", (cell(GPU),))
    assert found[3].said.startswith("it needs g=6.0+x~1, which the row does not pin")
    assert [one.said.split(",")[0] for one in split if one.state != "answers"] == [
        "it needs b=2.0-1",
        "it needs c=3.0",
        "it needs git=1:2.7.4-0",
        "it needs g=6.0+x~1",
    ]


@pytest.mark.parametrize(
    ("content", "state", "said"),
    [
        (None, "gone", "it has no Packages file"),
        (b"no gzip", "answers otherwise", "a damaged Packages file"),
        (gzip.compress(LISTED, mtime=0)[:-9], "answers otherwise", "a damaged Packages file"),
        (gzip.compress(b"x" * 5_000_000, mtime=0), "answers otherwise", "larger than 1,000,000 bytes"),
    ],
)
def test_a_list_of_packages_that_is_none(
    content: bytes | None, state: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt_packages, "LARGEST", 1_000_000)

    def script(_: str, path: str, __: Mapping[str, str]) -> Said:
        return (200, {}, content) if content is not None and path.endswith(".gz") else (404, {}, b"")

    with scripted(script) as host:
        (found,) = answer(next(pinned_packages.of(*gpu_on(host))))
    assert (found.state, said in found.said) == (state, True), found


@pytest.mark.parametrize(
    ("content", "state", "said"),
    [
        (RELEASE, "answers", ""),
        (b"<html>", "answers otherwise", "no date"),
        (b"x" * 60_000_000, "answers otherwise", "larger than 50,000,000 bytes"),
        (None, "gone", "it has no Release file"),
    ],
)
def test_a_repository_by_its_release_file(content: bytes | None, state: str, said: str) -> None:
    with scripted(lambda *_: (404, {}, b"") if content is None else (200, {}, content)) as host:
        (found,) = answer(*sources.repositories(*gpu_on(host)))
    assert (found.state, said in found.said) == (state, True), found


@pytest.mark.parametrize(
    ("content", "state", "said"),
    [
        (KEY, "answers", ""),
        (b"<html>", "answers otherwise", "no key in it"),
        (None, "gone", "404"),
    ],
)
def test_a_key(content: bytes | None, state: str, said: str) -> None:
    with scripted(lambda *_: (404, {}, b"") if content is None else (200, {}, content)) as host:
        cells, site = gpu_on(host)
        (found,) = answer(*sources.keys(cells, site))
        assert (found.state, said in found.said) == (state, True), found


def test_a_rotated_key() -> None:
    with scripted(lambda *_: (200, {}, KEY)) as host:
        cells, site = gpu_on(host)
        (spec,) = cells
        (one,) = spec.repositories
        other = replace(spec, repositories=(replace(one, fingerprint="A" * 40),))
        (found,) = answer(*sources.keys([other], site))
    assert found.state == "answers otherwise"
    assert found.said == f"its fingerprint is {FINGERPRINT}, the matrix pins {'A' * 40}"


def test_packages_of_conda_are_gone_one_by_one_and_silent_together() -> None:
    lock = lockfile.load(ROOT / "builder.lock")
    packages = lock.conda["python==3.6.2"]
    lost = packages[1]
    with scripted(lambda _, path, __: (404 if path.endswith(lost.file) else 200, {}, b"x")) as host:
        site = Site(downloads=((CONDA, f"http://{host}"),))
        found = answer(*sources.conda({GPU: packages}, site))
    assert len(found) == len(packages)
    assert [one.subject for one in found if one.state == "gone"] == [lost.path]
    (silent,) = answer(*sources.conda({GPU: packages}, Site(downloads=((CONDA, "http://127.0.0.1:9"),))))
    assert (silent.state, silent.subject) == ("not reachable", "http://127.0.0.1:9")


def test_locked_files_on_an_index(tmp_path: Path) -> None:
    names = ("a-1-py3-none-any.whl", "b-1-py3-none-any.whl", "c-1-py3-none-any.whl", "d-1-py3-none-any.whl")
    (tmp_path / names[3]).touch()
    locked = [
        Distribution(name=n[0], version="1", file=n, sha256=hashlib.sha256(n.encode()).hexdigest()) for n in names
    ]
    image = replace(lockfile.pin_all([GPU], lockfile.load(ROOT / "builder.lock"))[0], distributions=tuple(locked))
    with serving(Index(files={names[0]: names[0].encode(), names[1]: b"other"})) as index:
        site = Site(pip_index_url=f"{index.url}/simple", find_links=(tmp_path,))
        found = answer(*sources.distributions([image], site))
        assert len(index.asked) == 3, "what a directory of the site has is not asked for"
    assert [(one.subject, one.state) for one in found] == [
        (names[0], "answers"),
        (names[1], "answers otherwise"),
        (names[2], "gone"),
    ]
    assert f"locked is {locked[1].sha256}" in found[1].said
    (silent,) = answer(*sources.distributions([image], Site(pip_index_url="http://127.0.0.1:9/simple")))
    assert silent.state == "not reachable"


def test_an_index_beside_another_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one index lists is there; what it does not may be on the other."""
    monkeypatch.setattr(package_index, "urls", lambda site: (str(site.pip_index_url), "http://127.0.0.1:9/simple"))
    name = "a-1-py3-none-any.whl"
    there = Distribution(name="a", version="1", file=name, sha256=hashlib.sha256(b"a").hexdigest())
    image = replace(lockfile.pin_all([GPU], lockfile.load(ROOT / "builder.lock"))[0], distributions=(there,))
    with serving(Index(files={name: b"a"})) as index:
        site = Site(pip_index_url=f"{index.url}/simple")
        assert states(answer(*sources.distributions([image], site))) == ["answers"]
        del index.files[name]
        assert states(answer(*sources.distributions([image], site))) == ["not reachable"]


def test_a_base_image() -> None:
    content = b'{"schemaVersion": 2, "manifests": []}'
    there = replace(GPU.platform, base_digest=digest_of(content), toolchain_digest=f"sha256:{'0' * 64}")

    def script(_: str, path: str, __: Mapping[str, str]) -> Said:
        found = path.endswith(there.base_digest)
        return (200 if found else 404), {"Content-Type": OCI_INDEX, "Docker-Content-Digest": there.base_digest}, content

    with scripted(script) as host:
        spec = replace(GPU, platform=replace(there, base_image=f"{host}/library/ubuntu:16.04"))
        found = answer(*base_sources.of([spec], Site()))
    assert sorted(states(found)) == ["answers", "gone"]
    assert "the registry has no such manifest" in str(found)
    nowhere = replace(GPU, platform=replace(there, base_image="nobody.invalid/ubuntu:16.04"))
    assert set(states(answer(*base_sources.of([nowhere], Site())))) == {"not reachable"}
    (bootstrapped, _) = base_sources.of([nowhere], Site(base="bootstrap"))
    assert bootstrapped.replaced == "base: bootstrap"
