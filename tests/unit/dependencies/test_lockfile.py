"""builder.lock: read strictly, written readably; the requirements in it are those of the distributions."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from builder.dependencies import lockfile, package_index
from builder.dependencies.collect_metadata import of_sdist, of_wheel
from builder.dependencies.lockfile import Closure, Lock, dump, load
from builder.dependencies.metadata import from_line, line, parse, requires_txt, without_unused_extras
from builder.dependencies.package_index import Page, from_json
from builder.dependencies.resolve import Wishes, preferences, resolve
from builder.errors import BuilderError, InputError
from builder.host.site import Site
from builder.matrix.load import load as load_matrix
from builder.matrix.spec import Distribution, Metadata
from tests.support.package_index import Index, serving

ROOT = Path(__file__).parents[3]
FILE = ROOT / "builder.lock"
TEXT = FILE.read_text("utf-8")


def test_what_is_written_is_what_is_read() -> None:
    assert dump(load(FILE)) == TEXT


def test_it_holds_the_documented_versions_too() -> None:
    found = load(FILE).requirements
    assert "torch==1.3.0" in found["torchvision==0.4.1"].requires
    assert found["azureml-core==1.47.0"].python.startswith(">=3.6")


def edited(change: Any) -> str:
    content = json.loads(TEXT)
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (TEXT[:5000], "not a lock file"),
        (TEXT.replace('"schema": 1', '"schema": 2'), "schema 2, this program reads 1: a newer program wrote it"),
        (TEXT.replace("sha256:", "sha256:0", 1), "edited by hand or damaged"),
        (TEXT.replace('"torchvision==0.4.1": "Python', '"torchvision==0.4.1": "', 1), "edited by hand or damaged"),
        (TEXT.replace('"torchvision==0.4.1"', '"torchvision 0.4.1"', 1), "edited by hand or damaged"),
        (edited(lambda content: content.update(mine=1)), "unknown key 'mine'"),
        (edited(lambda content: next(iter(content["closures"].values())).update(mine=1)), "unknown key 'mine'"),
        ("[]", "schema None"),
    ],
)
def test_a_damaged_lock_is_refused(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "builder.lock"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load(file)
    assert what in caught.value.message
    assert caught.value.hint


def test_an_edited_lock_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "builder.lock"
    for old, new in (
        ("sha256:", "sha256:0"),
        ('"closures": {', '"mine": {}, "closures": {'),
        (" absl_py", " ../absl_py"),
    ):
        file.write_text(TEXT.replace(old, new, 1), "utf-8")
        number = next(n for n, line in enumerate(TEXT.splitlines(), 1) if old in line)
        with pytest.raises(InputError, match=rf"builder\.lock:{number}: edited by hand or damaged"):
            load(file)


def test_metadata_is_one_line_and_back() -> None:
    found = parse(
        "Metadata-Version: 2.1\nName: X\nRequires-Python: >=3.6, <4\nRequires-Dist: Torch (==1.3.0)\nRequires-Dist: six\n"
    )
    assert line(found) == "Python>=3.6,<4 | six | torch==1.3.0"
    assert from_line(line(found)) == found
    assert line(parse("Name: X\n")) == "Python"


def test_requires_txt_has_sections() -> None:
    found = requires_txt('six\ncffi>=1.4\n\n[:python_version < "3.7"]\ndataclasses\n\n[dev]\npytest\n')
    assert found == ("cffi>=1.4", 'dataclasses; python_version < "3.7"', 'pytest; extra == "dev"', "six")


def test_extras_that_nothing_asks_for_are_left_out() -> None:
    owner = Metadata(python="", requires=('fusepy; extra == "fuse"', 'pandas; extra == "pandas"', "numpy"))
    found = without_unused_extras({"a==1": Metadata(python="", requires=("b[fuse]",)), "b==1": owner})
    assert found["b==1"].requires == ('fusepy; extra == "fuse"', "numpy")


def test_an_extra_may_ask_for_another_and_pruning_is_final() -> None:
    chain = Metadata(python="", requires=('b[two]; extra == "one"', 'c; extra == "two"', 'd; extra == "three"'))
    found = without_unused_extras({"a==1": Metadata(python="", requires=("b[one]",)), "b==1": chain})
    assert found["b==1"].requires == chain.requires[:2]
    unused = without_unused_extras({"b==1": Metadata(python="", requires=('b[x]; extra == "y"', 'q; extra == "x"'))})
    assert not unused["b==1"].requires
    assert without_unused_extras(load(FILE).requirements) == load(FILE).requirements


def test_both_formats_of_an_index_are_read() -> None:
    page = Page("https://user:secret@a.example/simple/x/")
    page.feed(f'<a href="../x-1.tar.gz#sha256={"0" * 64}" data-core-metadata="sha256={"1" * 64}">x</a>')
    entry = {"filename": "x-1.tar.gz", "url": "../x-1.tar.gz", "hashes": {"sha256": "0" * 64}}
    told = from_json({**entry, "core-metadata": {"sha256": "1" * 64}}, "https://user:secret@a.example/simple/x/")
    assert page.files == [told]
    assert told.url == "https://a.example/simple/x-1.tar.gz"


def test_credentials_go_to_the_index_s_own_host_only() -> None:
    site = Site(pip_index_url="https://user:p%40ss@a.example/simple")
    assert package_index.login("https://a.example/x.whl", site) == "Basic dXNlcjpwQHNz"
    assert not package_index.login("https://b.example/x.whl", site)
    assert not package_index.login("http://a.example/x.whl", site)


def test_a_changed_metadata_file_is_refused() -> None:
    with pytest.raises(BuilderError, match="its sha256 is not the one the index gives"):
        package_index.checked(b"x", "0" * 64, "x.metadata")


def test_wheels_and_sdists_say_what_they_require() -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", "Name: x\nRequires-Dist: six\n")
    assert of_wheel(zipfile.ZipFile(wheel)).requires == ("six",)
    assert of_sdist(sdist({"x-1/PKG-INFO": "Name: x\n", "x-1/x.egg-info/requires.txt": "six\n"})) == Metadata(
        python="", requires=("six",)
    )
    assert of_sdist(sdist({"x-1/PKG-INFO": "Name: x\n"})) is None


def sdist(files: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return target.getvalue()


def test_the_versions_before_are_preferred() -> None:
    one = Distribution(name="six", version="1.16.0", file="six-1.16.0-py2.py3-none-any.whl", sha256="0" * 64)
    assert 'name = "six"\nversion = "1.16.0"' in preferences(Closure(asked="", distributions=(one,)))


@pytest.mark.parametrize(
    ("page", "what", "hint"),
    [
        ((404, ""), "no set of packages satisfies the row", "change the pin"),
        ((200, "{garbage"), "the package index gave no usable answer", "python -m builder doctor"),
        ((403, "no"), "no set of packages satisfies the row", "name another index"),
    ],
)
def test_an_index_without_a_proper_answer_is_an_error_that_says_so(page: tuple[int, str], what: str, hint: str) -> None:
    spec = next(spec for spec in load_matrix(ROOT / "matrix.yaml").cells if spec.framework == "scikit-learn")
    with serving(Index(files={}, page=page)) as there, pytest.raises(BuilderError) as caught:
        resolve(spec, Site(pip_index_url=f"{there.url}/simple"), None, Wishes())
    assert f"scikit-learn/1.9.1-cpu-debian12: {what}" in caught.value.message
    assert hint in str(caught.value.hint)


def test_upgrade_takes_rows_and_packages() -> None:
    spec = next(s for s in load_matrix(ROOT / "matrix.yaml").cells if s.version == "1.6.0")
    wishes = Wishes(upgrade=("numpy", "1.6*", "1.5*"), until="2026-01-31")
    assert wishes.options(spec) == ["--exclude-newer=2026-01-31", "--upgrade-package=numpy", "--upgrade"]


def test_an_empty_lock_has_both_sections() -> None:
    assert json.loads(dump(Lock(closures={}))).keys() == lockfile.KEYS
