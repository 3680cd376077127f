"""Wheels as a layer: the same bytes each time, nothing outside the environment, and a manifest that names it."""

import hashlib
import io
import json
import stat
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from builder.build.manifest import Addition, appended
from builder.build.oci_layout import ImageDocuments
from builder.derive.labels import labels, promise
from builder.derive.lockfile import Answer, CondaPackage, dump, key, load, question
from builder.derive.request import Asked, Contents, Held, ParsedRequest
from builder.errors import InputError
from builder.host.layer_cache import PackedLayer
from builder.matrix.names import LABEL_DERIVED, LABEL_FINGERPRINT, LABEL_INPUTS
from builder.matrix.promise import PromisedPin
from builder.matrix.spec import EPOCH, Distribution
from builder.registry.manifests import digest_of
from builder.wheels.blob import Blob
from tests.support.base_files import BASE
from tests.support.one_layer import one_layer
from tests.support.promises import promised

SITE_PACKAGES = "opt/env/lib/python3.11/site-packages"
IMAGE = Contents(
    digest="sha256:" + "1" * 64,
    promise=promised(),
    python="3.11.2",
    glibc="2.36",
    distributions={"six": Held(version="1.17.0")},
    site_packages=f"/{SITE_PACKAGES}",
)
ADDED = Distribution(name="toy", version="1.0", file="toy-1.0-py3-none-any.whl", sha256="a" * 64)


def wheel(directory: Path, files: dict[str, str], name: str = "toy") -> Path:
    path = directory / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    every = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*every, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**every, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def made(
    directory: Path, *wheels: Path, hidden: tuple[str, ...] = ()
) -> tuple[Blob, dict[str, tarfile.TarInfo], bytes]:
    directory.mkdir(exist_ok=True)
    blob = one_layer({one.name.partition("-")[0]: one for one in wheels}, BASE, directory, hidden=hidden)
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(blob.path.read_bytes())).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return blob, {one.name: one for one in tar}, plain


def text_of(plain: bytes, name: str) -> str:
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        stream = tar.extractfile(name)
        assert stream
        return stream.read().decode()


def test_a_wheel_is_unpacked_as_pip_does(tmp_path: Path) -> None:
    path = wheel(
        tmp_path,
        {
            "toy/__init__.py": "x = 1\n",
            "toy-1.0.dist-info/entry_points.txt": "[console_scripts]\ntoy = toy:main\n",
            "toy-1.0.data/scripts/other": "#!python\nprint()\n",
            "toy-1.0.data/data/share/toy.txt": "data",
        },
    )
    _, files, plain = made(tmp_path / "out", path)
    assert set(files) >= {
        f"{SITE_PACKAGES}/toy/__init__.py",
        "opt/env/bin/toy",
        "opt/env/bin/other",
        "opt/env/share/toy.txt",
    }
    assert files["opt/env"].isdir()
    assert files["opt/env"].mode == 0o755
    assert files["opt/env/bin/toy"].mode == 0o755
    assert text_of(plain, "opt/env/bin/toy").startswith("#!/opt/env/bin/python\n")
    assert text_of(plain, "opt/env/bin/other").startswith("#!/opt/env/bin/python\n")
    assert text_of(plain, f"{SITE_PACKAGES}/toy-1.0.dist-info/INSTALLER") == "pip\n"
    record = text_of(plain, f"{SITE_PACKAGES}/toy-1.0.dist-info/RECORD")
    assert "../../../bin/toy,sha256=" in record
    assert all((one.uid, one.gid, one.mtime) == (0, 0, EPOCH) for one in files.values())
    assert all(not one.mode & (stat.S_IWGRP | stat.S_IWOTH) for one in files.values())


def test_byte_code_that_a_wheel_brings_is_left_out(tmp_path: Path) -> None:
    code = "toy/__pycache__/a.cpython-311.pyc"
    _, files, plain = made(tmp_path / "out", wheel(tmp_path, {"toy/a.py": "a", code: "x"}))
    assert f"{SITE_PACKAGES}/{code}" not in files
    assert "pyc" not in text_of(plain, f"{SITE_PACKAGES}/toy-1.0.dist-info/RECORD")


def test_what_pip_takes_is_taken_as_pip_does(tmp_path: Path) -> None:
    """A script beside an entry point of its name, metadata of another installer, another case before `.data`."""
    path = wheel(
        tmp_path,
        {
            "toy/__init__.py": "",
            "toy-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = toy:main\n",
            "toy-1.0.dist-info/INSTALLER": "uv",
            "toy-1.0.data/scripts/tool": "#!python\nother\n",
            "Toy-1.0.data/data/share/toy.txt": "data",
            "Toy-1.0.data/headers/toy.h": "int toy;",
        },
    )
    _, files, plain = made(tmp_path / "out", path)
    assert "from toy import main" in text_of(plain, "opt/env/bin/tool")
    assert text_of(plain, f"{SITE_PACKAGES}/toy-1.0.dist-info/INSTALLER") == "pip\n"
    assert {"opt/env/share/toy.txt", "opt/env/include/site/python3.11/toy/toy.h"} <= files.keys()
    assert not any(".data/" in name for name in files)


@pytest.mark.parametrize("first", [{"toy/x": "file"}, {"toy/x/y.txt": "below"}])
def test_a_path_is_no_file_and_directory_at_once(first: dict[str, str], tmp_path: Path) -> None:
    second = {"toy/x/y.txt": "below"} if "toy/x" in first else {"toy/x": "file"}
    with pytest.raises(InputError, match="would be below a file, or in the place of a directory"):
        made(tmp_path / "out", wheel(tmp_path, {**first, **second}))


def test_two_distributions_may_declare_one_namespace_each_in_its_words(tmp_path: Path) -> None:
    first = wheel(tmp_path, {"spaces/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"})
    words = "# ours\nfrom pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
    second = wheel(tmp_path, {"spaces/__init__.py": words}, "other")
    _, _, plain = made(tmp_path / "out", first, second)
    assert text_of(plain, f"{SITE_PACKAGES}/spaces/__init__.py") == words, "the first by name, as pip has it"


def test_the_same_wheels_are_the_same_bytes(tmp_path: Path) -> None:
    one, two = wheel(tmp_path, {"toy/a.py": "a"}), wheel(tmp_path, {"other/b.py": "b"}, "other")
    first, _, plain = made(tmp_path / "a", one, two)
    second, _, _ = made(tmp_path / "b", two, one)
    assert (first.digest, first.diff, first.size) == (second.digest, second.diff, second.size)
    assert first.digest == f"sha256:{hashlib.sha256(first.path.read_bytes()).hexdigest()}"
    assert first.diff == f"sha256:{hashlib.sha256(plain).hexdigest()}"


@pytest.mark.parametrize(
    "path",
    [
        "../../../../../etc/passwd",
        "toy-1.0.data/scripts/../../../etc/x",
        "toy/.wh.x",
        "toy-1.0.data/data/../x",
        "/etc/passwd",
    ],
)
def test_a_wheel_stays_in_the_environment(path: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        made(tmp_path / "out", wheel(tmp_path, {path: "x"}))


@given(
    st.lists(
        st.sampled_from(["..", ".", "a", "", "etc", "toy-1.0.data", "scripts", "data", ".wh..wh..opq"]),
        min_size=1,
        max_size=8,
    )
)
def test_no_path_leaves_the_environment(parts: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        try:
            _, files, _ = made(Path(name) / "out", wheel(Path(name), {"/".join([*parts, "x"]): "x"}))
        except InputError:
            return
        assert all(one in {"opt", "opt/env"} or one.startswith("opt/env/") for one in files)
        assert all(".." not in one.split("/") for one in files)


def test_two_distributions_with_one_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both hold"):
        made(tmp_path / "out", wheel(tmp_path, {"same.py": "a"}), wheel(tmp_path, {"same.py": "b"}, "other"))


def test_what_is_no_wheel_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "toy-1.0-py3-none-any.whl").write_bytes(b"not a zip file")
    with pytest.raises(InputError, match="not a wheel"):
        made(tmp_path / "out", tmp_path / "toy-1.0-py3-none-any.whl")


def test_replaced_files_are_hidden_and_no_others(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"toy/a.py": "new"})
    _, files, _ = made(tmp_path / "out", path, hidden=(f"/{SITE_PACKAGES}/toy/a.py", f"/{SITE_PACKAGES}/toy/old.py"))
    assert f"{SITE_PACKAGES}/toy/.wh.old.py" in files
    assert f"{SITE_PACKAGES}/toy/.wh.a.py" not in files


def test_a_manifest_gets_one_layer_more() -> None:
    config = {
        "created": "2020-01-01T00:00:00Z",
        "config": {"Env": ["A=1"], "Labels": {"old": "x"}},
        "rootfs": {"diff_ids": ["sha256:0"]},
    }
    body = json.dumps(config).encode()
    kind = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    manifest = {"config": {"digest": digest_of(body)}, "layers": [{"mediaType": kind, "digest": "sha256:9", "size": 1}]}
    base = ImageDocuments(manifest=json.dumps(manifest).encode(), config=body)
    layers = [PackedLayer(digest="sha256:5", size=3, diff="sha256:6", title="six 1.0")]
    added = Addition(layers=layers, labels={"new": "y"}, environment={"B": "2"}, made_by="derive")
    made = appended(base, added)
    found, inside = json.loads(made.manifest), json.loads(made.config)
    assert [one["digest"] for one in found["layers"]] == ["sha256:9", "sha256:5"]
    assert found["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert found["config"]["digest"] == digest_of(made.config)
    assert inside["config"] == {"Env": ["A=1", "B=2"], "Labels": {"new": "y"}}
    assert inside["rootfs"]["diff_ids"] == ["sha256:0", "sha256:6"]
    assert [one["created_by"] for one in inside["history"]] == ["derive: six 1.0"]
    assert appended(base, added) == made


def test_a_derived_image_is_not_taken_for_its_base() -> None:
    before = {LABEL_FINGERPRINT: "f", LABEL_INPUTS: "{}", "org.opencontainers.image.title": "Toy"}
    found = labels(before, IMAGE.promise, IMAGE, Answer(distributions=(ADDED,)), "key")
    assert LABEL_FINGERPRINT not in found
    assert LABEL_INPUTS not in found
    assert found["org.opencontainers.image.base.digest"] == IMAGE.digest
    assert json.loads(found[LABEL_DERIVED])["distributions"] == {"toy": "1.0"}


def test_an_override_moves_the_pin_and_drops_what_torch_brought() -> None:
    torch = Distribution(name="torch", version="1.5.0", file="f", sha256="a" * 64)
    before = promised(torch="1.6.0")
    with_cuda = replace(before, pins={**before.pins, "cuda": PromisedPin(value="10.2", probe="torch-cuda")})
    assert promise(with_cuda, Answer(distributions=(torch,))) == promised(torch="1.5.0")


def test_the_lock_is_read_back_and_answers_one_question(tmp_path: Path) -> None:
    conda = CondaPackage(name="ffmpeg", version="6", build="h_0", url="https://c/ffmpeg.conda", sha256="c" * 64)
    answer = Answer(distributions=(ADDED,), conda=(conda,))
    file = tmp_path / "requirements.lock.json"
    file.write_text(dump("question", answer, IMAGE), "utf-8")
    assert load(file, "question") == answer
    assert load(file, "another") is None
    assert load(tmp_path / "none", "question") is None
    assert dump("question", answer, IMAGE) == file.read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"schema": 1}', '{"schema": 1, "asked": "q", "distributions": {"x": "1 ../x sha256:a"}, "conda": {}}'],
)
def test_a_damaged_lock_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(text, "utf-8")
    with pytest.raises(InputError, match="damaged"):
        load(tmp_path / "lock", "q")


def test_the_question_is_the_request_and_what_the_image_holds() -> None:
    def asked(*texts: str, place: str = "a", python: str = "3.11.2") -> str:
        from dataclasses import replace

        wanted = ParsedRequest(requirements=tuple(Asked(text=one, place=place) for one in texts))
        return question(wanted, replace(IMAGE, python=python))

    assert asked("a", "b") == asked("b", "a", place="elsewhere")
    assert len({asked("a"), asked("b"), asked("a", python="3.6.15")}) == 3


def test_the_key_is_the_base_and_every_file() -> None:
    answer = Answer(distributions=(ADDED,))
    assert key("sha256:1", answer) == key("sha256:1", Answer(distributions=(ADDED,)))
    assert len({key("sha256:1", answer), key("sha256:2", answer), key("sha256:1", Answer())}) == 3
