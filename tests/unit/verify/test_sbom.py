"""The SBOM: what dpkg, conda and Python say becomes valid CycloneDX, the same bytes each time, whatever a name holds."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import VerifyError
from builder.matrix.promise import PromisedPin
from builder.matrix.spec import Distribution
from builder.verify import inventory, licences, sbom
from builder.verify.inventory import Inventory, Package
from builder.verify.sbom import BillSubject
from tests.support.promises import promised

DIGEST = "sha256:" + "ab" * 32
PROMISE = promised("toy/1.0.0-cpu-debian12", six="1.17.0")
PROMISE = replace(
    PROMISE,
    pins={
        "cudnn": PromisedPin(value="7.6.3", probe="torch-cudnn"),
        **PROMISE.pins,
        "python": PromisedPin(value="3.6.15", probe="python"),
    },
)
OS = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n'
STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u10
Description: GNU C Library
 Version: 0 is no version, it is text

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1:1-1

Package: epoch
Status: hold ok installed
Architecture: all
Version: 1:2.0~rc1-1
"""
CONDA = {
    "name": "mkl",
    "version": "2019.4",
    "build": "243",
    "subdir": "linux-64",
    "channel": "https://user:token@conda.example/t/secret/pkgs/main/linux-64",
}
LOCKED = (Distribution(name="six-x", version="1.17.0", file="six_x-1.17.0-py3-none-any.whl", sha256="ab" * 32),)
SITE = "/opt/env/lib/python3.6/site-packages"


def tar(files: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def image(**more: str | bytes) -> bytes:
    files: dict[str, str | bytes] = {inventory.OS_RELEASE: OS, inventory.STATUS: STATUS, **more}
    return tar(files)


def bill(archive: bytes) -> dict[str, Any]:
    subject = BillSubject(digest=DIGEST, promise=PROMISE, created="2000-01-01T00:00:00Z", locked=LOCKED)
    document = sbom.sbom(inventory.read(archive), subject)
    sbom.validate(document)
    return document


def purls(document: Mapping[str, object]) -> list[str]:
    components = document["components"]
    assert isinstance(components, list)
    return [one["purl"] for one in components if "purl" in one]


def test_every_ecosystem_is_listed_with_the_right_purl() -> None:
    found = bill(
        image(
            **{
                f"{SITE}/Six_X-1.17.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Six.X\nVersion: 1.17.0\n\nbody",
                f"{SITE}/setuptools/_vendor/six_x-1.16.dist-info/METADATA": "Name: six-x\nVersion: 1.16\n",
                "/usr/lib/python3/dist-packages/old.egg-info": "Name: old\nVersion: 0.1\nLicense: MIT\n",
                "/opt/env/conda-meta/mkl-2019.4-243.json": json.dumps(CONDA),
            }
        )
    )
    assert purls(found) == sorted(
        [
            "pkg:conda/mkl@2019.4?build=243&channel=main&subdir=linux-64",
            "pkg:deb/debian/epoch@1:2.0~rc1-1?arch=all&distro=debian-12",
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12&upstream=glibc%402.36-9",
            "pkg:generic/cudnn@7.6.3",
            "pkg:generic/python@3.6.15",
            "pkg:pypi/old@0.1",
            "pkg:pypi/six-x@1.17.0",
            "pkg:pypi/six-x@1.16",
        ],
        key=lambda purl: purl + ("#" + SITE if "six-x" in purl else ""),
    )
    assert "token" not in sbom.text(found)
    assert "secret" not in sbom.text(found)


def test_the_same_image_gives_the_same_bytes() -> None:
    files = {f"{SITE}/p{n}-1.dist-info/METADATA": f"Name: p{n}\nVersion: 1\n" for n in range(5)}
    forward, backward = bill(image(**files)), bill(image(**dict(reversed(files.items()))))
    assert sbom.text(forward) == sbom.text(backward)


@pytest.mark.parametrize(
    "metadata",
    [
        b"Name: \xff\xfe\nVersion: 1\n",
        "Name: a\u2028b\nVersion: \u202e1\n".encode(),
        b"Name:\nVersion:\n",
        b"",
        b"Name: x\x00y\nVersion: 1\x1b[31m\n",
        b"Name: <script>alert(1)</script>\nVersion: 1\nLicense: " + b"x" * 5000,
        b"Name: ../../etc/passwd\nVersion: 1?distro=evil#sub\n",
    ],
)
def test_hostile_metadata_is_listed_and_stays_valid(metadata: bytes) -> None:
    found = bill(image(**{f"{SITE}/name-1.dist-info/METADATA": metadata}))
    assert sum(purl.startswith("pkg:pypi/") for purl in purls(found)) == 1
    assert "\x1b" not in sbom.text(found)


def test_hostile_conda_records_are_left_out() -> None:
    nested = "[" * 100_000
    records = {f"/opt/env/conda-meta/{n}.json": text for n, text in enumerate(["{", "[]", "{}", "null", nested])}
    assert not [purl for purl in purls(bill(image(**records))) if purl.startswith("pkg:conda")]


def test_a_path_that_is_no_unicode_is_listed() -> None:
    name = (
        (SITE + "/caf\udce9-1.dist-info/METADATA").encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    )
    json.dumps(bill(image(**{name: "Version: 1\n"}))).encode()


@given(st.text(max_size=40), st.text(max_size=20), st.sampled_from(["deb", "conda", "pypi"]))
def test_any_package_is_a_component(name: str, version: str, ecosystem: inventory.Ecosystem) -> None:
    package = Package(ecosystem=ecosystem, name=name, version=version, path="/x")
    one = sbom.component(package, Inventory(os_id="debian", os_version="12", packages=(package,)), {})
    assert one["name"] == name
    assert one["bom-ref"]


@pytest.mark.parametrize("archive", [b"", b"garbage" * 200, image()[:700]])
def test_an_archive_cut_short_is_refused(archive: bytes) -> None:
    with pytest.raises(VerifyError):
        inventory.read(archive)


def test_the_difference_names_both_directions() -> None:
    old = bill(image(**{f"{SITE}/a-1.dist-info/METADATA": "Name: a\nVersion: 1\n"}))
    new = bill(image(**{f"{SITE}/a-2.dist-info/METADATA": "Name: a\nVersion: 2\n"}))
    stated, found = sbom.difference(old, new)
    assert "pkg:pypi/a@1" in stated
    assert "not in the image" in stated
    assert "pkg:pypi/a@2" in found
    assert "not stated" in found
    assert sbom.difference(old, old) == []
    assert sbom.difference({"components": "none"}, {"components": [None]}) == []


def test_a_document_the_schema_refuses_is_not_attached() -> None:
    with pytest.raises(VerifyError, match="not valid CycloneDX"):
        sbom.validate({**bill(image()), "components": [{"type": "library"}]})


def component_of(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in document["components"] if one["name"] == name]
    return dict(found)


def needed_by(document: Mapping[str, Any], reference: str) -> list[str]:
    (found,) = [one for one in document["dependencies"] if one["ref"] == reference]
    return list(found["dependsOn"])


def test_what_made_it_and_when_are_the_same_each_time() -> None:
    found = bill(image())["metadata"]
    assert found["timestamp"] == "2000-01-01T00:00:00Z"
    assert [one["name"] for one in found["tools"]["components"]] == ["framework-images"]
    for created in ("", "soon", "9999-99-99"):
        undated = BillSubject(digest=DIGEST, promise=PROMISE, created=created)
        assert "timestamp" not in sbom.metadata(undated)


def test_a_wheel_has_the_hash_of_the_lock_and_a_vendored_one_none() -> None:
    vendored = f"{SITE}/setuptools/_vendor/six_x-1.17.0.dist-info/METADATA"
    files = dict.fromkeys((f"{SITE}/six_x-1.17.0.dist-info/METADATA", vendored), "Name: six-x\nVersion: 1.17.0\n")
    found = {one["bom-ref"].partition("#")[2]: one for one in bill(image(**files))["components"]}
    assert found.pop(vendored).get("hashes") is None
    assert [one["hashes"][0]["content"] for one in found.values() if "hashes" in one] == ["ab" * 32]


def test_licences_are_expressions_where_that_is_clear() -> None:
    head = "Format: https://policy.example/copyright-format/1.0/\n\nFiles: *\nLicense: "
    found = bill(
        image(
            **{
                "/usr/share/doc/libc6/copyright": f"{head}LGPL-2.1+\n text\n\nFiles: a\nLicense: Expat\n",
                "/usr/share/doc/epoch/copyright": f"{head}MIT or GPL-2+\n\nFiles: b\nLicense: public-domain\n",
                "/usr/share/doc/other/copyright": head,
                f"{SITE}/a-1.dist-info/METADATA": "Name: a\nVersion: 1\nLicense-Expression: MIT AND (0BSD OR Zlib)\n",
                f"{SITE}/b-1.dist-info/METADATA": "Name: b\nVersion: 1\nClassifier: License :: OSI Approved :: BSD License\n",
            }
        )
    )
    assert {name: component_of(found, name)["licenses"] for name in ("libc6", "epoch", "a", "b")} == {
        "libc6": [{"expression": "LGPL-2.1-or-later AND MIT"}],
        "epoch": [{"license": {"name": "MIT OR GPL-2.0-or-later"}}, {"license": {"name": "public-domain"}}],
        "a": [{"expression": "MIT AND (0BSD OR Zlib)"}],
        "b": [{"license": {"name": "BSD License"}}],
    }


@pytest.mark.parametrize(
    ("name", "clear"),
    [
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("zlib", "Zlib"),
        ("Apache-2 or MIT License", "Apache-2.0 OR MIT"),
        ("Apache Software License", ""),
        ("GPL-2+ and Expat", "GPL-2.0-or-later AND MIT"),
        ("GPL-2+ with OpenSSL exception", ""),
        ("MIT or GPL-2 and ISC", ""),
        ("GPL", ""),
        ("BSD", ""),
    ],
)
def test_what_a_short_name_means(name: str, clear: str) -> None:
    assert licences.spdx(name) == clear


def test_a_copyright_file_for_people_names_the_licences_that_it_points_to() -> None:
    text = "It is free: see /usr/share/common-licenses/GPL-2. Also /usr/share/common-licenses/Artistic, or LGPL-2.1+."
    assert licences.of_debian(text) == ("Artistic", "GPL-2")


def test_what_needs_what() -> None:
    status = STATUS.replace(
        "Description:", "Pre-Depends: missing (>= 1) | epoch:any\nDepends: virtual, libc6\nDescription:"
    )
    status += "\nPackage: real\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nProvides: virtual (= 1)\n"
    files = {
        inventory.STATUS: status,
        f"{SITE}/a-1.dist-info/METADATA": 'Name: a\nVersion: 1\nRequires-Dist: B>=1\nRequires-Dist: c ; extra == "x"\n',
        f"{SITE}/b-1.dist-info/METADATA": "Name: b\nVersion: 1\n",
        f"{SITE}/c-1.dist-info/METADATA": "Name: c\nVersion: 1\n",
        f"{SITE}/c/_vendor/b-1.dist-info/METADATA": "Name: b\nVersion: 1\n",
    }
    found = bill(image(**files))
    libc = component_of(found, "libc6")["bom-ref"]
    epoch, real = (component_of(found, name)["bom-ref"] for name in ("epoch", "real"))
    assert needed_by(found, libc) == sorted([epoch, real])
    assert needed_by(found, f"pkg:pypi/a@1#{SITE}/a-1.dist-info/METADATA") == [
        f"pkg:pypi/b@1#{SITE}/b-1.dist-info/METADATA"
    ]
    top = needed_by(found, DIGEST)
    assert libc in top
    assert epoch not in top
    assert f"pkg:pypi/c@1#{SITE}/c-1.dist-info/METADATA" in top


def test_one_thing_is_one_component() -> None:
    status = STATUS + "\nPackage: python3.6\nStatus: install ok installed\nArchitecture: all\nVersion: 3.6.15-1\n"
    assert not [purl for purl in purls(bill(image(**{inventory.STATUS: status}))) if "generic/python" in purl]
    other = status.replace("3.6.15-1", "3.6.151-1")
    assert [purl for purl in purls(bill(image(**{inventory.STATUS: other}))) if "generic/python" in purl]
